export { bytesContent } from './content.ts';
export { type DiscoverOptions, discoverReferrers, type Referrer } from './discover.ts';
export { artifactError } from './errors.ts';
export { evidenceOf, layersUnder, pushAttachment } from './evidence.ts';
export { type FileArgument, parseFileArgument } from './file-argument.ts';
export { type HelmChart, helmTag, readHelmChart } from './helm-chart.ts';
export { parseAnnotations } from './manifest.ts';
export { isMediaType } from './media-type.ts';
export { type NamedArtifact, openRepository } from './open-repository.ts';
export { type PullArtifactOptions, type PulledArtifact, pullArtifact } from './pull.ts';
export {
  type ArtifactToPush,
  configOf,
  contentsOf,
  type PushArtifactOptions,
  type PushedArtifact,
  pushArtifact,
} from './push.ts';
export { subjectOf } from './subject.ts';
export type { ArtifactContent, ArtifactRepository } from './types.ts';
