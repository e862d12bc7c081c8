export { syncDirectory, writeCacheFile, writeFileAtomic } from './atomic-file.ts';
export { type Clock, fixedClock, systemClock } from './clock.ts';
export {
  asCodedError,
  type ErrorCatalogue,
  type ErrorDefinition,
  type ErrorKind,
  type ErrorOptions,
  errorFactory,
  HeraklitError,
  isHeraklitError,
  messageOf,
} from './errors.ts';
export { defaultHome, type Home, homeAt } from './home.ts';
export { createLog, type Log, type LogLevel, type LogOptions, silentLog } from './log.ts';
export { packageFile } from './package-file.ts';
export { type Progress, silentProgress } from './progress.ts';
export { redact } from './redact.ts';
export { DEFAULT_RETRY, type RetryOptions, retry } from './retry.ts';
