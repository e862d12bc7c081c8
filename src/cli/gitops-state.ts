import { isHeraklitError, messageOf } from '../base/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { GitopsLook, GitopsPreview, GitopsRuntime } from '../gitops/index.ts';
import type { RolloutSimulation } from '../http/index.ts';
import type { Digest } from '../oci/index.ts';
import type { CliContext } from './context.ts';
import type { OpenRollouts } from './rollouts.ts';

/** A place of a file, and what writing to it would do now. */
export interface GitopsPlace {
  readonly repository: string;
  readonly file: string;
  readonly place: string;
  /** Image of the fleet; null where what stands there is none of it. */
  readonly image: string | null;
  readonly from: string;
  /** With the released digest; null where nothing is to be there. */
  readonly to: string | null;
  /**
   * `current`; `commit` and `propose` are to be written, `proposed` is to be merged by somebody; `left` with the reason; `refused` by
   * a rule of rollouts; `other`: no image of the fleet.
   */
  readonly state: 'current' | 'commit' | 'propose' | 'proposed' | 'left' | 'refused' | 'other';
  readonly reason: string;
  /** URL of the pull request that is open for it. */
  readonly request: string | null;
  /** As git shows it. */
  readonly diff: string;
}

export interface GitopsRepository {
  readonly name: string;
  readonly url: string;
  readonly branch: string;
  readonly write: 'commit' | 'pull-request';
  readonly signed: boolean;
  /** Null where it cannot be read. */
  readonly commit: string | null;
  readonly error: string | null;
  /** What Flux and Argo CD are told about when and how they deploy it. */
  readonly notes: readonly string[];
}

export interface GitopsState {
  readonly repositories: readonly GitopsRepository[];
  readonly places: readonly GitopsPlace[];
  /** Why images of the fleet are nowhere: nothing is released of them. */
  readonly missing: readonly string[];
}

export interface GitopsQuery {
  /** Only these images of the fleet; all when empty. */
  readonly images: readonly string[];
  readonly runtimes: readonly GitopsRuntime[];
}

/** Repositories as they are, and what the released images would change in them, by the code that writes. Nothing is pushed. */
export async function gitopsState(
  { rollouts, database }: OpenRollouts,
  fleet: LoadedFleet,
  { images, runtimes }: GitopsQuery,
  context: Pick<CliContext, 'signal'>,
): Promise<GitopsState> {
  const looked = new Map<GitopsRuntime, GitopsLook>();
  const repositories: GitopsRepository[] = [];
  for (const runtime of runtimes) {
    const settings = fleet.document.rollout?.git?.find(({ name }) => runtime.name === `gitops:${name}`);
    if (settings === undefined) continue;
    const { name, url, branch, write = 'commit', signingKeyFile } = settings;
    const facts = { name, url, branch, write, signed: signingKeyFile !== undefined };
    try {
      const look = await runtime.look();
      looked.set(runtime, look);
      repositories.push({ ...facts, commit: look.commit, error: null, notes: look.notes });
    } catch (error) {
      const code = isHeraklitError(error) ? `${error.code}: ` : '';
      repositories.push({ ...facts, commit: null, error: `${code}${messageOf(error)}`, notes: [] });
    }
  }
  if (database !== undefined && looked.size > 0) {
    const { surveyWorkloads } = await import('../rollout/index.ts');
    await surveyWorkloads({ database, runtimes: [...looked.keys()] });
  }
  const places: GitopsPlace[] = [];
  const missing: string[] = [];
  const names = fleet.fleet.images.map(({ image }) => image);
  for (const image of names.filter((name) => images.length === 0 || images.includes(name))) {
    const simulation = await rollouts.simulate(image).catch((error: unknown) => {
      if (isHeraklitError(error, 'ROLLOUT_IMAGE_UNKNOWN')) return undefined;
      throw error;
    });
    if (simulation === undefined) missing.push(image);
    else places.push(...(await placesOf(simulation, looked, context.signal)));
  }
  const known = new Set(places.map(({ repository, file, place }) => `${repository}\n${file}\n${place}`));
  const others = [...looked].flatMap(([runtime, { workloads }]) =>
    workloads.flatMap(({ name: file, containers }) =>
      containers.map(({ name: place, image }) => ({ ...headOf(runtime, file, place), from: image })),
    ),
  );
  for (const other of others) {
    if (images.length > 0 || known.has(`${other.repository}\n${other.file}\n${other.place}`)) continue;
    places.push({ ...other, image: null, to: null, state: 'other', reason: '', request: null, diff: '' });
  }
  return { repositories, places, missing };
}

const headOf = ({ name }: GitopsRuntime, file: string, place: string) => ({
  ...{ repository: name.slice('gitops:'.length), file, place },
});

async function placesOf(
  { image, digest, stages, refused }: RolloutSimulation,
  looked: ReadonlyMap<GitopsRuntime, GitopsLook>,
  signal: AbortSignal,
): Promise<readonly GitopsPlace[]> {
  const found: GitopsPlace[] = [];
  for (const { zones, workloads } of stages) {
    const closed = zones.find((zone) => zone.refused !== null)?.refused ?? refused;
    for (const { workload: id, container, to } of workloads) {
      const [runtime, look] = [...looked].find(([one]) => id.startsWith(`${one.name}/`)) ?? [];
      const workload = look?.workloads.find((one) => one.id === id);
      if (runtime === undefined || workload === undefined) continue;
      const request = { workload, container, image: to, digest: digest as Digest, deadline: 0 };
      const preview = await runtime.preview(request, signal);
      const facts = { from: preview.from, to: preview.to, request: preview.request ?? null, diff: preview.diff };
      found.push({ ...headOf(runtime, workload.name, container), image, ...facts, ...standing(preview, closed) });
    }
  }
  return found;
}

/** @param closed why rollouts would not let it in */
function standing({ kind, reason }: GitopsPreview, closed: string | null): Pick<GitopsPlace, 'state' | 'reason'> {
  if (kind === 'unchanged') return { state: 'current', reason: '' };
  return closed === null ? { state: kind, reason } : { state: 'refused', reason: closed };
}
