/** How an error reaches a caller: `usage` is exit code 2 and HTTP 4xx, `failed` is exit code 3 and HTTP 5xx. */
export type ErrorKind = 'usage' | 'failed';

/** One entry of a folder's error catalogue (`<folder>/errors.ts`); all of them stand in `docs/errors.md`. */
export interface ErrorDefinition {
  readonly kind: ErrorKind;
  /** True where trying the same call again later can succeed (network, lock, full queue). */
  readonly retryable: boolean;
  /** What the code means, for the documentation. */
  readonly meaning: string;
}

export type ErrorCatalogue<Code extends string> = Readonly<Record<Code, ErrorDefinition>>;

export interface ErrorOptions {
  readonly cause?: unknown;
  /** What the reader can do about it, in one sentence. */
  readonly hint?: string;
  /** Facts for machines (`--format json`, HTTP bodies); no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Every error heraklit raises on purpose. The message says what failed and on what; the code is stable. */
export class HeraklitError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, definition: ErrorDefinition, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HeraklitError';
    this.code = code;
    this.kind = definition.kind;
    this.retryable = definition.retryable;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/**
 * Binds a folder's catalogue to a constructor, so that an error with an undeclared code does not compile.
 *
 * @example const ociError = errorFactory(ociErrors); throw ociError('OCI_DIGEST_MISMATCH', `…`);
 */
export function errorFactory<Code extends string>(catalogue: ErrorCatalogue<Code>) {
  return (code: Code, message: string, options: ErrorOptions = {}): HeraklitError =>
    new HeraklitError(code, catalogue[code], message, options);
}

/** True for an error of ours, optionally with one of the given codes. */
export function isHeraklitError(error: unknown, ...codes: readonly string[]): error is HeraklitError {
  return error instanceof HeraklitError && (codes.length === 0 || codes.includes(error.code));
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const SYSTEM_ERRORS: ErrorCatalogue<'DISK_FULL' | 'SYSTEM_ERROR'> = {
  DISK_FULL: { kind: 'failed', retryable: true, meaning: 'No space (or quota) left where heraklit writes.' },
  SYSTEM_ERROR: { kind: 'failed', retryable: false, meaning: 'The operating system refused an operation.' },
};

/** @public scripts/error-catalogue.ts reads every catalogue by name. */
export const baseErrors = SYSTEM_ERRORS;

/** Turns what the operating system throws into a coded error; ours, and unknown ones, pass unchanged. */
export function asCodedError(error: unknown): unknown {
  if (error instanceof HeraklitError || !(error instanceof Error)) return error;
  const system = error as NodeJS.ErrnoException;
  if (system.code === 'ENOSPC' || system.code === 'EDQUOT') {
    return new HeraklitError('DISK_FULL', SYSTEM_ERRORS.DISK_FULL, `no space left: ${system.path ?? system.message}`, {
      cause: error,
      hint: 'Free space there or point HERAKLIT_HOME at a larger disk; nothing half-written was kept.',
    });
  }
  if (typeof system.syscall === 'string' && typeof system.code === 'string') {
    return new HeraklitError('SYSTEM_ERROR', SYSTEM_ERRORS.SYSTEM_ERROR, system.message, {
      cause: error,
      hint: 'Check that the path exists, is what it should be (file or folder), and may be read and written.',
    });
  }
  return error;
}
