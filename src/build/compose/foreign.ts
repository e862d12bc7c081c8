import { readFile } from 'node:fs/promises';
import { composeError } from './errors.ts';
import type { ComposeRequest } from './types.ts';

/** Debian's architecture → Node's. */
const NODE_ARCHITECTURE: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64', i386: 'ia32' };
/** Debian's architecture → QEMU's, under which binfmt_misc knows its interpreter. */
const QEMU: Readonly<Record<string, string>> = {
  ...{ amd64: 'x86_64', arm64: 'aarch64', armhf: 'arm', armel: 'arm', i386: 'i386', ppc64el: 'ppc64le' },
  ...{ s390x: 's390x', riscv64: 'riscv64' },
};
const BINFMT = '/proc/sys/fs/binfmt_misc';

/**
 * Can the kernel run programs of another architecture inside a sandbox? Its registration must be on, and hold the
 * interpreter open (`F`): in the image's root there is none.
 * @see https://docs.kernel.org/admin-guide/binfmt-misc.html
 */
export function isUsable(registration: string): boolean {
  const [state] = registration.split('\n');
  const flags = /^flags: *(\S*)$/m.exec(registration)?.[1] ?? '';
  return state === 'enabled' && flags.includes('F');
}

/**
 * Refuses what cannot run here, before anything is done.
 * @param folder of binfmt_misc
 * @throws COMPOSE_ARCHITECTURE
 */
export async function refuseForeignScripts(
  { recipe, architecture }: Pick<ComposeRequest, 'recipe' | 'architecture'>,
  folder = BINFMT,
): Promise<void> {
  const runs = (recipe.scripts !== 'none' && (recipe.packages ?? []).length > 0) || runsChecks(recipe);
  if (!runs || NODE_ARCHITECTURE[architecture] === process.arch) return;
  const name = `qemu-${QEMU[architecture] ?? architecture}`;
  const registration = await readFile(`${folder}/${name}`, 'utf8').catch(() => '');
  if (isUsable(registration)) return;
  const why =
    registration === '' ? `binfmt_misc knows no ${name}` : `${name} of binfmt_misc is off or lacks the flag F`;
  throw composeError(
    'COMPOSE_ARCHITECTURE',
    `programs of ${architecture} (maintainer scripts, checks) cannot run on ${process.arch}: ${why}`,
    {
      hint: 'Build on a machine of that architecture, register QEMU (qemu-user-static), or build with `scripts: none`.',
    },
  );
}

const runsChecks = ({ checks = [] }: ComposeRequest['recipe']): boolean => checks.some(({ run }) => run !== undefined);
