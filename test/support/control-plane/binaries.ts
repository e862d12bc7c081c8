import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Programs of a control plane; the scheduler's is needed as well, since pods are bound by nobody else. */
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

export interface ControlPlaneBinaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  /** Of the API server: 20 of `v1.20.2`. */
  readonly minor: number;
}

/** Folders that hold the programs, as PATH separates them: the variable that names them. */
export const BINARIES_VARIABLE = 'HERAKLIT_TEST_CONTROL_PLANE';

/** The programs of these folders; a sentence where one is missing. */
export async function findBinaries(
  folders: string | undefined = process.env[BINARIES_VARIABLE],
): Promise<ControlPlaneBinaries | string> {
  if (folders === undefined || folders === '') return `${BINARIES_VARIABLE} not set`;
  const paths = PROGRAMS.map((program) =>
    folders
      .split(delimiter)
      .map((folder) => join(folder, program))
      .find((path) => existsSync(path)),
  );
  const missing = PROGRAMS.filter((_, i) => paths[i] === undefined);
  if (missing.length > 0) return `${missing.join(', ')} not found in ${folders}`;
  const [etcd, apiServer, controllerManager, scheduler] = paths as [string, string, string, string];
  const { stdout } = await run(apiServer, ['--version']);
  const minor = Number(/v1\.(\d+)\./.exec(stdout)?.[1]);
  return { etcd, apiServer, controllerManager, scheduler, minor };
}
