export { isNamed, type PackagePin, type Preferences } from './policy.ts';
export { meetsRequest, type SolveOptions, solve, solveOrThrow } from './solve.ts';
export type {
  Conflict,
  PackageRequest,
  PresentPackage,
  RelationField,
  Solution,
  Solved,
  UnknownPackage,
  VersionConstraint,
  WhyStep,
} from './types.ts';
export { createUniverse, type PackageUniverse } from './universe.ts';
