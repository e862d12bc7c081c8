import type { RetryOptions } from '../../base/index.ts';
import type { Credentials } from './credentials.ts';

export interface RegistryClientOptions {
  /** Accept certificates that do not verify, and plain HTTP. Loopback registries may always speak plain HTTP. */
  readonly insecure?: boolean;
  /** Instead of what the podman and docker credential files say; `anonymous` asks without any. */
  readonly credentials?: Credentials | 'anonymous';
  /** Where credential files are looked for; the process's environment by default. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly retry?: RetryOptions;
  /** Milliseconds a connection may stand still. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** What the registry wants its users told (`Warning` headers), each text once. */
  readonly onWarning?: (text: string) => void;
}

export const DEFAULT_TIMEOUT = 60_000;
