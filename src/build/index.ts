export type { BuildStatistics, BuiltImage, PackageChange, Strategy } from './types.ts';
