export { DEFAULT_PAGE, MAX_PAGE, type Page } from './cursor.ts';
export { DEFAULT_DIFF_PATHS, type DiffOptions, diffImages, type FileDiff, type ImageDiff } from './diff.ts';
export type { ConfigChange } from './diff-config.ts';
export { diffPackages, type PackageDiff, type PackageMove } from './diff-packages.ts';
export { inventoryErrors } from './errors.ts';
export {
  type Exposure,
  GRADE_THRESHOLDS,
  type Grade,
  type GradeThreshold,
  type Grading,
  gradeOf,
  type Severity,
  severityOf,
} from './grade.ts';
export { gradeCheck } from './grade-check.ts';
export { globMatches } from './image-glob.ts';
export { inspectImage, inspectLayers, type RootFolder } from './inspect-image.ts';
export { directoryLayerCache, type LayerCache, memoryLayerCache } from './layer-cache.ts';
export { LayerCapture } from './layer-capture.ts';
export type { LayerRecord } from './layer-record.ts';
export { type LayerReport, layerReport } from './layer-report.ts';
export { type Base, type BaseEvidence, declaredBase, findBase, type KnownImage } from './lineage.ts';
export { type Checked, findOutdated, type OutdatedOptions, type ReadChangelog } from './outdated.ts';
export { type ReadLayersOptions, readLayers } from './read-layers.ts';
export {
  type Finding,
  type ImageContents,
  type IncompletePart,
  type LayerContents,
  type PackageDatabaseKind,
  type PackageEffect,
  type PackageRef,
  scopeOf,
  type UpdateCheck,
} from './types.ts';
export { inRange, parseVersionRange, type RangeBound, type RangeOperator, type VersionRange } from './version-range.ts';
