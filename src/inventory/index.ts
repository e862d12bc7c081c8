export type { Page } from './cursor.ts';
export { type DiffOptions, diffImages, type FileDiff, type ImageDiff } from './diff.ts';
export type { ConfigChange } from './diff-config.ts';
export { diffPackages, type PackageDiff, type PackageMove } from './diff-packages.ts';

export type { FindAdvisories, NotAffected } from './explain.ts';
export { type FileChange, fileChanges } from './file-history.ts';
export { ownersInFolder } from './folder-owners.ts';
export type {
  Exposure,
  Grade,
  GradeThreshold,
  Grading,
  Severity,
} from './grade.ts';
export { gradeOf } from './grade.ts';
export { gradeCheck } from './grade-check.ts';
export {
  DEFAULT_GRADE_POLICY,
  type GradePolicy,
  type GradeSettings,
  gradePolicyOf,
  lastDayOf,
} from './grade-policy.ts';
export { globMatches } from './image-glob.ts';
export { inspectImage, inspectLayers, type RootFolder } from './inspect-image.ts';
export { directoryLayerCache, type LayerCache, memoryLayerCache } from './layer-cache.ts';
export { LayerCapture } from './layer-capture.ts';
export type { LayerRecord } from './layer-record.ts';
export { type LayerReport, layerReport } from './layer-report.ts';
export type { Base, BaseEvidence, KnownImage } from './lineage.ts';
export { type Checked, findOutdated, type OutdatedOptions, type ReadChangelog } from './outdated.ts';
export { type ReadLayersOptions, readLayers } from './read-layers.ts';
export {
  type Finding,
  type ImageContents,
  type IncompletePart,
  type LayerContents,
  type LoadedIn,
  type PackageEffect,
  type PackageRef,
  scopeOf,
  type UpdateCheck,
} from './types.ts';
export { inRange, parseVersionRange, type RangeBound, type RangeOperator, type VersionRange } from './version-range.ts';
