import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where everything of one heraklit home lies. Two homes never share anything. */
export interface Home {
  readonly root: string;
  /** PGlite's data folder. */
  readonly database: string;
  /** OCI layout with all blobs: builder's store and registry's store are the same one. */
  readonly store: string;
  /** Where the blobs are instead, `s3://BUCKET/PREFIX?…`; `$HERAKLIT_STORAGE` unless a fleet or an option says so. */
  readonly storage?: string;
  /** Verified indexes, packages, layer indexes: may be deleted at any time. */
  readonly cache: string;
  /** Scratch space of running steps; emptied at start-up. */
  readonly scratch: string;
}

export function homeAt(root: string, storage?: string): Home {
  return {
    ...(storage === undefined || storage === '' ? {} : { storage }),
    root,
    database: join(root, 'database'),
    store: join(root, 'store'),
    cache: join(root, 'cache'),
    scratch: join(root, 'scratch'),
  };
}

/** `$HERAKLIT_HOME`, else the user's data folder (XDG Base Directory specification). */
export function defaultHome(environment: NodeJS.ProcessEnv = process.env): Home {
  const named = environment.HERAKLIT_HOME;
  if (named !== undefined && named !== '') return homeAt(named, environment.HERAKLIT_STORAGE);
  const data = environment.XDG_DATA_HOME;
  return homeAt(
    join(data !== undefined && data !== '' ? data : join(homedir(), '.local', 'share'), 'heraklit'),
    environment.HERAKLIT_STORAGE,
  );
}
