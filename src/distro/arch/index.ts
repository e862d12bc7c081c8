export { openPacmanPackage, type PacmanArchive, type PacmanInfo } from './archive.ts';
export { archEcosystem } from './ecosystem.ts';
export { type PacmanIndex, type PacmanIndexOrigin, readPacmanIndex } from './packages-index.ts';
