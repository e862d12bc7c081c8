export { commandOf, findCommand, interpretersOf, resolveInTree } from './command.ts';
export { usageInFolder, usageInTree } from './image-usage.ts';
export {
  type ImageUsage,
  isUsed,
  type LinkedBy,
  type PackageUsage,
  type UsageFilter,
  usageOfFiles,
  usageOfPackage,
} from './usage.ts';
