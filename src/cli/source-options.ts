import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { messageOf } from '../base/index.ts';
import type { Workshop, WorkshopOptions } from '../engine/workshop/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';

/** Options of every command that asks a distribution's repositories. */
export interface SourceOptions {
  readonly mirror?: string;
  readonly keyring?: string;
  /** Only commands on recipes have it. */
  readonly snapshotMirror?: string;
  readonly offline?: boolean;
  /** Only commands on images that the user names have it. */
  readonly imageSources?: boolean;
}

/** Seconds for which a repository's state is not asked for again: commands in a row see the same world. */
const MAX_AGE = 300;

export function addSourceOptions(command: Command): Command {
  return command
    .option(
      '--mirror <url>',
      'package mirror, for example https://HOST/debian (default: see README, "Where packages come from")',
    )
    .option(
      '--keyring <file>',
      'public keys that sign a mirror of your own (armoured; PEM for apk), in place of the distribution’s',
    )
    .option('--offline', 'use what is cached, never the network');
}

/** For commands on recipes. */
export function addSnapshotOption(command: Command): Command {
  return command.option(
    '--snapshot-mirror <url>',
    'where past states of the distribution lie, for recipes with asOf (also: HERAKLIT_SNAPSHOT_DEBIAN)',
  );
}

/** For commands on images that the user names. */
export function addImageSourcesOption(command: Command): Command {
  return command.option(
    '--no-image-sources',
    'do not ask the mirrors that the image’s own apt sources name (also: HERAKLIT_IMAGE_SOURCES=off)',
  );
}

/** PEM keys are apk's; all others sign with OpenPGP. */
async function readKeyringFile(path: string): Promise<Pick<WorkshopOptions, 'keyring' | 'keyFiles'>> {
  const { readKeyring } = await import('../distro/index.ts');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw cliError('CLI_USAGE', `--keyring ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Give a file with ASCII-armoured OpenPGP public keys, or for apk a PEM file as in /etc/apk/keys.',
    });
  });
  if (text.includes('-----BEGIN PUBLIC KEY-----')) return { keyFiles: [{ name: basename(path), content: text }] };
  return { keyring: await readKeyring(path, [text]) };
}

export async function workshopFrom(options: SourceOptions, context: CliContext): Promise<Workshop> {
  const { openWorkshop } = await import('../engine/workshop/index.ts');
  return openWorkshop({
    home: context.home,
    log: context.log,
    progress: context.progress,
    signal: context.signal,
    maxAge: MAX_AGE,
    imageSources: options.imageSources === true && process.env.HERAKLIT_IMAGE_SOURCES !== 'off',
    ...(await repositoryOptions(options)),
  });
}

/** The options as the workshop takes them. */
export async function repositoryOptions(
  options: SourceOptions,
): Promise<Pick<WorkshopOptions, 'mirror' | 'snapshotMirror' | 'keyring' | 'keyFiles' | 'offline'>> {
  return {
    ...(options.snapshotMirror === undefined ? {} : { snapshotMirror: options.snapshotMirror }),
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    ...(options.keyring === undefined ? {} : await readKeyringFile(options.keyring)),
    ...(options.offline === undefined ? {} : { offline: options.offline }),
  };
}
