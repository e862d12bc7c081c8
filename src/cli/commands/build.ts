import type { Command } from 'commander';
import type { BuiltRecipe } from '../../engine/workshop/index.ts';
import type { ImageIndex } from '../../oci/index.ts';
import { addDockerfileOptions, buildDescribed, type DockerfileOptions, formOf } from '../build-dockerfile.ts';
import type { CliContext } from '../context.ts';
import { debianArchitecture } from '../debian-architecture.ts';
import { addFormat } from '../format-option.ts';
import { addSnapshotOption, addSourceOptions, type SourceOptions, workshopFrom } from '../source-options.ts';

interface BuildOptions extends SourceOptions, DockerfileOptions {
  readonly pocket?: readonly string[];
  readonly arch?: string;
}

const HELP = `
Packages are chosen as apt chooses them, from indexes that are verified with the distribution's keys, and written to
RECIPE.lock beside the recipe. The same lock gives the same digest on any machine, on any day; keep it with the recipe.
A base (from:) that is a recipe beside this one is built first. The schema is schemas/recipe.schema.json.
A recipe with several platforms becomes one index with an image for each; --arch builds one of them alone.

A Dockerfile (or a folder with one) is built by Buildah in a network where nothing but a snapshot can be reached: the
first build records what package managers fetch in Dockerfile.lock, with the digests of all images that it names; later
ones get exactly that, without network. A KIWI description (config.xml, NAME.kiwi) of a container image is built by kiwi
in the same way. See docs/rebuild.md.

scripts: run   (default) maintainer scripts run in a sandbox without network; needs root, or a user
               with subordinate ids (/etc/subuid)
scripts: none  no code runs (distroless style); needs no privileges

Examples:
  heraklit build web.yaml -o oci:out:web
  heraklit build web.yaml --update -o registry.example.com/web:latest
  heraklit build web.yaml --locked --offline -o oci-archive:web.tar
  heraklit build app/Dockerfile -o oci:out:app
  heraklit build appliance.kiwi --profile minimal -o oci:out:app
  heraklit build app --locked --secret id=token,src=token.txt --build-arg VERSION=2 -o oci:out:app
`;

export function register(command: Command, context: CliContext): void {
  addFormat(
    addDockerfileOptions(addSnapshotOption(addSourceOptions(command)))
      .argument('<recipe>', 'recipe file (kind: Image), Dockerfile, KIWI description, or a folder with one of the two')
      .requiredOption('-o, --output <ref>', 'where to put the image')
      .option('--locked', 'build exactly what the lock says, or fail')
      .option('--update', 'choose packages anew, even where the lock fits')
      .option('--pocket <name...>', 'repositories to use (default: release updates security)')
      .option('--arch <architecture>', 'the distribution’s word: amd64, arm64, … (default: this machine’s)'),
  )
    .addHelpText('after', HELP)
    .action(async (recipe: string, options: BuildOptions) => {
      const form = await formOf(recipe);
      await (form === 'recipe' ? run(recipe, options, context) : buildDescribed(form, recipe, options, context));
    });
}

async function run(path: string, options: BuildOptions, context: CliContext): Promise<void> {
  const [oci, transport, engine] = await Promise.all([
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
    import('../../engine/workshop/index.ts'),
  ]);
  const target = oci.parseReference(options.output);
  transport.checkSavable(target);
  const workshop = await workshopFrom(options, context);
  const common = {
    ...(options.locked === undefined ? {} : { locked: options.locked }),
    ...(options.update === undefined ? {} : { update: options.update }),
    ...(options.pocket === undefined ? {} : { pockets: options.pocket }),
  };
  const reference = oci.formatReference(target);
  const several = options.arch === undefined ? await engine.architecturesOf(path) : undefined;
  if (several !== undefined) {
    const { images, close } = await engine.buildPlatforms(path, several, common, workshop);
    try {
      const saved = { index: indexOf(images), images: images.map(({ image }) => image) };
      const { digest } = await transport.saveIndex(saved, target, { signal: context.signal });
      context.print(
        options.format === 'json'
          ? JSON.stringify({ name: images[0]?.recipe.name, reference, digest, platforms: images.map(platformFacts) })
          : [...images.map(describeOne), `${reference}@${digest}`].join('\n'),
      );
    } finally {
      await close();
    }
    return;
  }
  const result = await engine.buildRecipe(
    path,
    { ...common, architecture: options.arch ?? debianArchitecture() },
    workshop,
  );
  try {
    await transport.saveImage(result.image, target, { signal: context.signal });
    context.print(options.format === 'json' ? JSON.stringify(facts(result, reference)) : describe(result, reference));
  } finally {
    await result.close();
  }
}

/** An index of the images, with what they have in common, so that it can be seen without choosing one. */
function indexOf(images: readonly BuiltRecipe[]): ImageIndex {
  const [first, ...others] = images.map(({ image }) => image.manifest.annotations ?? {});
  const shared = Object.entries(first ?? {}).filter(([key, value]) =>
    others.every((annotations) => annotations[key] === value),
  );
  const manifests = images.map(({ image, built }) => {
    const { os, architecture, variant } = image.config;
    return { ...built.descriptor, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return { schemaVersion: 2, mediaType, manifests, annotations: Object.fromEntries(shared) };
}

function platformFacts(result: BuiltRecipe): object {
  const { os, architecture, variant } = result.image.config;
  const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
  const { name: _, reference: __, ...rest } = facts(result, '') as Record<string, unknown>;
  return { platform, ...rest };
}

function describeOne(result: BuiltRecipe): string {
  const { architecture } = result.built.lock;
  return describe(result, '')
    .split('\n')
    .slice(0, 1)
    .map((line) => `${architecture}: ${line}`)
    .join('');
}

function facts({ recipe, built, image, lockFile }: BuiltRecipe, reference: string): object {
  const { strategy, reason, scripts, changes, statistics, lock } = built;
  return {
    name: recipe.name,
    reference,
    digest: image.digest,
    strategy,
    reason,
    ...(scripts === undefined ? {} : { scripts }),
    lockFile,
    packages: lock.packages.length,
    changes,
    statistics,
  };
}

function describe({ recipe, built, image, lockFile }: BuiltRecipe, reference: string): string {
  const { layersBuilt, layersShared, milliseconds } = built.statistics;
  return [
    `${recipe.name}: ${built.lock.packages.length} packages, ${image.manifest.layers.length} layers (${layersBuilt} built, ${layersShared} shared) in ${(milliseconds / 1000).toFixed(2)} s`,
    `locked in ${lockFile}`,
    `${reference}@${image.digest}`,
  ].join('\n');
}
