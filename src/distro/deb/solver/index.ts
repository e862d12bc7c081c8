export { type SolveOptions, solve, solveOrThrow } from './solve.ts';
export type {
  Conflict,
  PackageRequest,
  PresentPackage,
  RelationField,
  Solution,
  Solved,
  UnknownPackage,
  WhyStep,
} from './types.ts';
export { createUniverse, type PackageUniverse } from './universe.ts';
