import { createBuildah, createBuildKit } from '../../src/build/index.ts';
import { newerTool, newerToolsPath } from '../support/newer-tools.ts';
import { builderContract } from './builder.ts';

builderContract('buildah', () => createBuildah());

builderContract('buildkit', (context) => {
  if (newerTool('dockerd') === undefined || newerTool('buildx') === undefined) {
    context.skip('docker-buildx not installed');
    return undefined;
  }
  return createBuildKit(`${newerToolsPath}:${process.env.PATH}`);
});
