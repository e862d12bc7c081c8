import { errorFactory } from '../../base/index.ts';

export const workshopErrors = {
  IMAGE_UNSUPPORTED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The image is of a distribution or package format that heraklit has no repository for.',
  },
  IMAGE_BASE_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'An image does not say on which base it stands, or that base is not at hand.',
  },
  REPOSITORY_KEY_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file with keys that the fleet file names for a repository cannot be read.',
  },
  DOCKERFILE_NOT_REPRODUCIBLE: {
    kind: 'failed',
    retryable: false,
    meaning:
      'A Dockerfile or KIWI description was built twice from the same lock, and the contents differ; the message names the paths.',
  },
  DOCKERFILE_PLATFORMS_MISSING: {
    kind: 'failed',
    retryable: false,
    meaning: 'A Dockerfile cannot be built here for some of the platforms asked for; nothing was written.',
  },
  DOCKERFILE_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A path is no readable Dockerfile or KIWI description, or a folder without one.',
  },
  RECIPE_CYCLE: { kind: 'usage', retryable: false, meaning: 'A recipe stands, through its bases, on itself.' },
  RECIPE_NOT_LOCKED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A recipe has no lock beside it that would say which packages it needs.',
  },
  RECIPE_PLATFORMS_INCOMPLETE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A recipe is for several platforms, and not all of them can be built on this machine.',
  },
  RECIPE_GONE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A task needs a recipe or upstream image that the fleet file no longer has.',
  },
  PATCH_PLATFORMS_INCOMPLETE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A platform of a multi-platform image cannot be patched here; nothing was written.',
  },
  PATCH_UNSOLVABLE: {
    kind: 'failed',
    retryable: false,
    meaning: 'The updates that an image misses need packages that nobody offers, or that exclude each other.',
  },
  STRATEGY_EXCLUDED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A rebase was refused, and policy.strategies of the fleet does not allow to compose the image instead.',
  },
  FLEET_WORKLOAD_IMAGE_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'rollout.workloads names an image that the fleet does not have.',
  },
  FLEET_SOURCES_UNKNOWN: {
    kind: 'usage',
    retryable: false,
    meaning: 'A fleet with images from sources is loaded by something that does not look at sources.',
  },
  FLEET_RECIPE_NAME: {
    kind: 'usage',
    retryable: false,
    meaning: 'The recipe in a source has another name than its image in the fleet file.',
  },
} as const;

export const workshopError = errorFactory(workshopErrors);
