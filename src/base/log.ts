import { redact } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Diagnostics for people. Data never goes through a logger: it goes to stdout. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface LogOptions {
  readonly level: LogLevel;
  readonly json: boolean;
  write(line: string): void;
}

/** A line-per-record logger; secrets in messages and fields are redacted before they are written. */
export function createLog(options: LogOptions): Log {
  const emit = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    if (ORDER[level] < ORDER[options.level]) return;
    const safe = redact(JSON.stringify(fields));
    options.write(
      options.json
        ? `{"level":"${level}","message":${JSON.stringify(redact(message))},"fields":${safe}}`
        : `${level}: ${redact(message)}${safe === '{}' ? '' : ` ${safe}`}`,
    );
  };
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
  };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
