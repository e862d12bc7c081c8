import { inspectImage } from '../../inventory/index.ts';
import type { VerifyPort } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';

const MAX_LINKS = 40;

/** Checks that need no engine: every package configured, nothing unreadable, and the entry point is there. */
export function staticVerify(workshop: Workshop): VerifyPort {
  return {
    async verify({ descriptor }) {
      const image = await openStored(await workshop.store(), descriptor.digest);
      const contents = await inspectImage(image, { layerCache: workshop.layerCache });
      const broken = contents.packages.filter((pkg) => !pkg.configured).map((pkg) => pkg.name);
      if (broken.length > 0) return { kind: 'rejected', reason: `not configured: ${broken.slice(0, 5).join(', ')}` };
      const [unreadable] = contents.incomplete;
      if (unreadable !== undefined) return { kind: 'rejected', reason: `${unreadable.path}: ${unreadable.reason}` };
      const program = [...(image.config.config?.Entrypoint ?? []), ...(image.config.config?.Cmd ?? [])][0];
      if (program?.startsWith('/') === true && !isExecutable(program.slice(1), contents.tree)) {
        return { kind: 'rejected', reason: `the program ${program} is not in the image, or not executable` };
      }
      return { kind: 'passed', checks: ['packages configured', 'database readable', 'program present'] };
    },
  };
}

type Tree = Awaited<ReturnType<typeof inspectImage>>['tree'];

function isExecutable(path: string, tree: Tree): boolean {
  let rest = path.split('/');
  let at: string[] = [];
  for (let links = 0; rest.length > 0 && links < MAX_LINKS; ) {
    const part = rest.shift() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const entry = tree.get([...at, part].join('/'))?.entry;
    if (entry === undefined) return false;
    if (entry.type === 'symlink') {
      links += 1;
      const target = entry.linkName ?? '';
      if (target.startsWith('/')) at = [];
      rest = [...target.split('/'), ...rest];
      continue;
    }
    at.push(part);
    if (rest.length === 0) return entry.type !== 'directory' && (entry.mode & 0o111) !== 0;
  }
  return false;
}
