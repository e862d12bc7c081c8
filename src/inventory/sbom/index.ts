export { toCycloneDx } from './cyclonedx.ts';

export { readSbom } from './read/read-sbom.ts';
export { toSpdx } from './spdx.ts';
export { toSpdx3 } from './spdx3.ts';
export type { SbomOptions } from './subject.ts';
