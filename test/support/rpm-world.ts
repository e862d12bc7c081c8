import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A package that rpmbuild is to make. */
export interface RpmSpec {
  readonly name: string;
  /** `[epoch:]version-release` */
  readonly evr: string;
  readonly arch?: 'noarch' | 'x86_64' | 'i686';
  /** Further lines of the preamble: `Requires: bash >= 5`. */
  readonly tags?: readonly string[];
  /** Path → content. */
  readonly files?: Readonly<Record<string, string>>;
  readonly configs?: Readonly<Record<string, string>>;
  /** rpm's name of a payload compression: `w9.gzdio`, `w19.zstdio`, `w7.xzdio`. */
  readonly payload?: string;
}

export const hasRpmTools = (...tools: readonly string[]): boolean =>
  tools.every((tool) => spawnSync(tool, ['--version']).error === undefined);

/** Where distributions keep the database; Debian's rpm has a place of its own. */
export const RPM_DATABASE = '/usr/lib/sysimage/rpm';

function specText({ name, evr, arch = 'noarch', tags = [], files = {}, configs = {}, payload }: RpmSpec): string {
  const [, epoch, version, release] = /^(?:(\d+):)?([^-]+)-([^-]+)$/.exec(evr) as RegExpExecArray;
  const all = { ...files, ...configs };
  return [
    ...(payload === undefined ? [] : [`%define _binary_payload ${payload}`]),
    `Name: ${name}`,
    ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
    `Version: ${version}`,
    `Release: ${release}`,
    'Summary: made by a test',
    'License: MIT',
    'URL: https://example.org/',
    'Vendor: Example',
    'Group: Tests',
    ...(arch === 'noarch' ? ['BuildArch: noarch'] : []),
    ...tags,
    '%description',
    'Made by a test.',
    '%install',
    ...Object.entries(all).map(
      ([path, content]) =>
        `mkdir -p "$(dirname '%{buildroot}${path}')"; printf '%%s' '${content}' > '%{buildroot}${path}'`,
    ),
    '%files',
    ...Object.keys(files),
    ...Object.keys(configs).map((path) => `%config(noreplace) ${path}`),
    '',
  ].join('\n');
}

/** A scratch folder in which real packages, databases and repositories are made. */
export class RpmWorld {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<RpmWorld> {
    return new RpmWorld(await mkdtemp(join(tmpdir(), 'heraklit-rpm-')));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Builds packages into a folder of the world; their paths come in the order asked for. */
  async build(specs: readonly RpmSpec[], folder = 'rpms'): Promise<readonly string[]> {
    const target = join(this.folder, folder);
    await mkdir(target, { recursive: true });
    const defines = [
      `_topdir ${join(this.folder, 'top')}`,
      `_rpmdir ${target}`,
      '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
      '_build_id_links none',
      '_buildhost localhost',
      'use_source_date_epoch_as_buildtime 1',
    ].flatMap((define) => ['--define', define]);
    const env = { ...process.env, SOURCE_DATE_EPOCH: '1750000000' };
    const fileOf = ({ name, evr, arch = 'noarch' }: RpmSpec): string => `${name}-${evr.replace(/^\d+:/, '')}.${arch}`;
    for (const [arch, same] of Map.groupBy(specs, (spec) => spec.arch ?? 'noarch')) {
      const specFiles: string[] = [];
      for (const spec of same) {
        const specFile = join(this.folder, `${fileOf(spec)}.spec`);
        await writeFile(specFile, specText(spec));
        specFiles.push(specFile);
      }
      await run('rpmbuild', ['-bb', '--quiet', '--target', arch, ...defines, ...specFiles], { env });
    }
    return specs.map((spec) => join(target, `${fileOf(spec)}.rpm`));
  }

  /** Installs, upgrades or erases in a root of the world, whatever depends on what. */
  async rpm(root: string, ...args: readonly string[]): Promise<string> {
    const path = join(this.folder, root);
    await mkdir(path, { recursive: true });
    const [mode = ''] = args;
    const changes = mode.startsWith('-q') ? [] : ['--nodeps', '--noscripts', '--force-debian'];
    const installs = changes.length > 0 && mode !== '-e' ? ['--ignorearch'] : [];
    const place = ['--root', path, '--define', `_dbpath ${RPM_DATABASE}`];
    const { stdout } = await run('rpm', [...place, ...changes, ...installs, ...args], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }

  /** A repository of packages, as createrepo_c makes it. */
  async repository(name: string, packages: readonly string[], ...options: readonly string[]): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(join(path, 'Packages'), { recursive: true });
    for (const file of packages) await run('cp', [file, join(path, 'Packages')]);
    await run('createrepo_c', ['--quiet', ...options, path]);
    return path;
  }
}
