import { useState } from 'react';
import type { RolloutHistory } from '../../../src/http/rollouts-contract.ts';
import { ErrorState, Skeleton } from '../parts/states.tsx';
import { useHistory } from './rollouts-api.ts';

/** Asked for when it is opened. */
export function RolloutPast({ id }: { readonly id: number }) {
  const [open, setOpen] = useState(false);
  const history = useHistory(id, open);
  return (
    <details className="past" open={open} onToggle={(toggle) => setOpen(toggle.currentTarget.open)}>
      <summary>History</summary>
      {open && history.isPending ? <Skeleton lines={3} label="Loading the history" /> : null}
      {history.isError && history.data === undefined ? (
        <ErrorState title="The history cannot be shown" error={history.error} retry={() => void history.refetch()} />
      ) : null}
      {history.data === undefined ? null : <Entries history={history.data} />}
    </details>
  );
}

function Entries({ history: { changes, measurements } }: { readonly history: RolloutHistory }) {
  const telling = measurements.filter(({ outcome }) => outcome !== 'good').slice(-5);
  return (
    <>
      <ol className="changes">
        {changes.map((change) => (
          <li key={`${change.at} ${change.state} ${change.reason}`}>
            <time dateTime={change.at} className="quiet">
              {new Date(change.at).toLocaleString()}
            </time>{' '}
            <b>{change.state}</b> {change.stage} <span className="quiet">by {change.actor}</span>
            {change.reason === '' ? null : `: ${change.reason}`}
          </li>
        ))}
      </ol>
      {measurements.length === 0 ? null : (
        <p className="quiet">
          {measurements.length} measurements, {measurements.filter(({ outcome }) => outcome === 'good').length} good
        </p>
      )}
      {telling.map((one) => (
        <p key={`${one.at} ${one.metric}`} className={one.outcome === 'bad' ? 'bad' : 'quiet'}>
          {one.workload} step {one.step}: {one.metric} {one.outcome}
          {one.value === null ? '' : ` (${one.value}${one.before === null ? '' : `, before ${one.before}`})`}{' '}
          {one.detail}
        </p>
      ))}
    </>
  );
}
