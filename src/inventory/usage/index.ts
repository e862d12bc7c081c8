export { commandOf, findCommand, interpretersOf, resolveInTree } from './command.ts';
export { usageInTree } from './image-usage.ts';
export { type ImageUsage, type LinkedBy, type PackageUsage, usageOfFiles, usageOfPackage } from './usage.ts';
