import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** A command's module: loaded only when the command runs, so that `scan` never pays for PGlite or Kubernetes. */
export interface CommandModule {
  /** Adds options, arguments, help texts and the action to the already named command. */
  register(command: Command, context: CliContext): void;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /**
   * It may run programs of an image: an ordinary user becomes root of a user namespace first. `whole`: only one with
   * subordinate ids, as the command does much that needs no sandbox and must go on as it was.
   */
  readonly sandbox?: 'any' | 'whole';
  load(): Promise<CommandModule>;
}

/** All commands in the order help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'the whole loop on real Debian packages, in a scratch folder',
    sandbox: 'whole',
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'build',
    summary: 'compose an image from a recipe',
    sandbox: 'any',
    load: () => import('./commands/build.ts'),
  },
  {
    name: 'lock',
    summary: 'choose and lock the packages of a recipe, without building',
    sandbox: 'any',
    load: () => import('./commands/lock.ts'),
  },
  { name: 'scan', summary: 'what is inside an image', load: () => import('./commands/scan.ts') },
  { name: 'outdated', summary: 'which updates images miss', load: () => import('./commands/outdated.ts') },
  {
    name: 'feed',
    summary: 'advisories, and bundles for machines without network',
    load: () => import('./commands/feed.ts'),
  },
  {
    name: 'crawl',
    summary: 'put the images of registries, engines, clusters and folders into the inventory',
    load: () => import('./commands/crawl.ts'),
  },
  {
    name: 'where',
    summary: 'which images have a package, file, library, digest or fix',
    load: () => import('./commands/where.ts'),
  },
  { name: 'history', summary: 'which images a reference has meant', load: () => import('./commands/history.ts') },
  {
    name: 'explain',
    summary: 'what was made of an image, why and how',
    load: () => import('./commands/explain.ts'),
  },
  { name: 'diff', summary: 'how two images, or a fleet on two days, differ', load: () => import('./commands/diff.ts') },
  { name: 'layers', summary: 'what each layer adds and wastes', load: () => import('./commands/layers.ts') },
  {
    name: 'lint',
    summary: 'what is questionable about an image or a Dockerfile',
    load: () => import('./commands/lint.ts'),
  },
  {
    name: 'agent',
    summary: 'what runs in this machine’s containers, and which need a restart',
    load: () => import('./commands/agent.ts'),
  },
  { name: 'sbom', summary: 'software bill of materials of an image', load: () => import('./commands/sbom.ts') },
  {
    name: 'artifact',
    summary: 'files, SBOMs and Helm charts in registries, and what refers to an image',
    load: () => import('./commands/artifact.ts'),
  },
  {
    name: 'attest',
    summary: 'sign images and what is said of them, and verify that',
    load: () => import('./commands/attest.ts'),
  },
  { name: 'key', summary: 'keys to sign with', load: () => import('./commands/key.ts') },
  {
    name: 'patch',
    summary: 'bring an image up to date with one layer over it',
    sandbox: 'any',
    load: () => import('./commands/patch.ts'),
  },
  { name: 'rebase', summary: 'move an image to a new base', load: () => import('./commands/rebase.ts') },
  { name: 'verify', summary: 'test an image before it is released', load: () => import('./commands/verify.ts') },
  {
    name: 'helm',
    summary: 'releases whose values name images, and what an upgrade would change',
    load: () => import('./commands/helm.ts'),
  },
  {
    name: 'ages',
    summary: 'how old running copies are, and new ones for those too old',
    load: () => import('./commands/ages.ts'),
  },
  {
    name: 'rollout',
    summary: 'bring an image to running workloads, and say how that goes on',
    load: () => import('./commands/rollout.ts'),
  },
  {
    name: 'gitops',
    summary: 'released digests in git repositories: as they are, to be, written',
    load: () => import('./commands/gitops.ts'),
  },
  {
    name: 'promote',
    summary: 'bring an image to its next stage, by the same digest',
    load: () => import('./commands/promote.ts'),
  },
  {
    name: 'debug',
    summary: 'a container with tools beside one that has none',
    load: () => import('./commands/debug.ts'),
  },
  {
    name: 'plan',
    summary: 'what would be done, in order, with strategy and reason',
    load: () => import('./commands/plan.ts'),
  },
  {
    name: 'run',
    summary: 'the loop once: build, test and publish what misses updates',
    sandbox: 'whole',
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'source',
    summary: 'git repositories and archives that images are made from',
    load: () => import('./commands/source.ts'),
  },
  { name: 'account', summary: 'people, robots and what they may do', load: () => import('./commands/account.ts') },
  {
    name: 'login',
    summary: 'sign in at a server with a browser, for podman and this',
    load: () => import('./commands/login.ts'),
  },
  { name: 'audit', summary: 'who changed what', load: () => import('./commands/audit.ts') },
  { name: 'events', summary: 'what happened', load: () => import('./commands/events.ts') },
  {
    name: 'registry',
    summary: 'collect garbage, check and prune the registry',
    load: () => import('./commands/registry.ts'),
  },
  {
    name: 'serve',
    summary: 'registry, API, page and scheduler',
    sandbox: 'whole',
    load: () => import('./commands/serve.ts'),
  },
];
