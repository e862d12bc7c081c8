export { type ApkUniverse, createApkUniverse } from './candidates.ts';
export type { ApkChange } from './change.ts';
export type { ApkUpgrade } from './choose.ts';
export { type ApkSolution, solveApk } from './solve.ts';
