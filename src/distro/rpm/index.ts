export { rpmEcosystem } from './ecosystem.ts';
