import type { ReactNode } from 'react';
import { ApiError } from '../api.ts';

export function Skeleton({ lines, label }: { readonly lines: number; readonly label: string }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={`line-${line + 1}`} style={{ width: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

interface ErrorStateProps {
  readonly title: string;
  readonly error: Error;
  readonly retry: () => void;
}

export function ErrorState({ title, error, retry }: ErrorStateProps) {
  return (
    <div className="state" role="alert">
      <strong>{title}</strong>
      <p>{error.message}</p>
      {error instanceof ApiError && error.hint !== null ? <p className="quiet">{error.hint}</p> : null}
      <button type="button" className="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function EmptyState({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="state">
      <strong>{title}</strong>
      <p className="quiet">{children}</p>
    </div>
  );
}
