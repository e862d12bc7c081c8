import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
  /** Further lines of %install and %files. */
  readonly install?: readonly string[];
  readonly listed?: readonly string[];
  /** Scriptlets and triggers, each with its heading: `%post\necho done`. */
  readonly sections?: readonly string[];
  /** rpm's name of a payload compression: `w9.gzdio`, `w19.zstdio`, `w7.xzdio`. */
  readonly payload?: string;
}

export const hasRpmTools = (...tools: readonly string[]): boolean =>
  tools.every((tool) => spawnSync(tool, ['--version']).error === undefined);

/** Where distributions keep the database; Debian's rpm has a place of its own. */
export const RPM_DATABASE = '/usr/lib/sysimage/rpm';

const hasContent = ({ files, configs, payload, sections, listed }: RpmSpec): boolean =>
  [files, configs, payload, sections, listed].some((part) => part !== undefined);

function headLines({ evr, tags = [] }: RpmSpec): readonly string[] {
  const [, epoch, version, release] = /^(?:(\d+):)?([^-]+)-([^-]+)$/.exec(evr) as RegExpExecArray;
  return [
    ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
    `Version: ${version}`,
    `Release: ${release}`,
    'Summary: made by a test',
    'License: MIT',
    'URL: https://example.org/',
    'Vendor: Example',
    'Group: Tests',
    ...tags,
  ];
}

const archLines = ({ arch }: RpmSpec): readonly string[] =>
  arch === undefined || arch === 'noarch' ? ['BuildArch: noarch'] : [];

function specText(spec: RpmSpec): string {
  const { name, files = {}, configs = {}, install = [], listed = [], sections = [], payload } = spec;
  return [
    ...(payload === undefined ? [] : [`%define _binary_payload ${payload}`]),
    `Name: ${name}`,
    ...headLines(spec),
    ...archLines(spec),
    '%description',
    'Made by a test.',
    '%install',
    ...Object.entries({ ...files, ...configs }).map(
      ([path, content]) =>
        `mkdir -p "$(dirname '%{buildroot}${path}')"; printf '%%s' '${content}' > '%{buildroot}${path}'`,
    ),
    ...install,
    ...sections,
    '%files',
    ...listed,
    ...Object.keys(files),
    ...Object.keys(configs).map((path) => `%config(noreplace) ${path}`),
    '',
  ].join('\n');
}

/** Packages without content, all from one spec file: a hundred of them cost what one does. */
function batchText(specs: readonly RpmSpec[]): string {
  const main = { name: 'batch', evr: '1-1' };
  const parts = specs.flatMap((spec) => [
    `%package -n ${spec.name}`,
    ...headLines(spec).filter((line) => !/^(?:Vendor|URL|License):/.test(line)),
    ...archLines(spec),
    `%description -n ${spec.name}`,
    'Made by a test.',
    `%files -n ${spec.name}`,
  ]);
  return [`Name: ${main.name}`, ...headLines(main), '%description', 'Made by a test.', '%prep', ...parts, ''].join(
    '\n',
  );
}

/** Batches in which no name stands twice. */
function batches(specs: readonly RpmSpec[]): readonly (readonly RpmSpec[])[] {
  const all: Map<string, RpmSpec>[] = [];
  for (const spec of specs) {
    const free = all.find((batch) => !batch.has(spec.name));
    if (free === undefined) all.push(new Map([[spec.name, spec]]));
    else free.set(spec.name, spec);
  }
  return all.map((batch) => [...batch.values()]);
}

/** An announcement of updateinfo.xml. */
export interface TestNotice {
  readonly id: string;
  readonly type: 'security' | 'bugfix';
  readonly severity: string;
  readonly issued: string;
  readonly cves: readonly string[];
  readonly packages: readonly Pick<RpmSpec, 'name' | 'evr' | 'arch'>[];
}

function packageXml({ name, evr, arch = 'noarch' }: TestNotice['packages'][number]): string {
  const [, epoch = '0', version = '', release = ''] = /^(?:(\d+):)?([^-]+)-([^-]+)$/.exec(evr) as RegExpExecArray;
  const file = `${name}-${version}-${release}.${arch}.rpm`;
  return (
    `<package name="${name}" version="${version}" release="${release}" epoch="${epoch}" arch="${arch}" src="${name}.src.rpm">` +
    `<filename>${file}</filename></package>`
  );
}

const noticeXml = ({ id, type, severity, issued, cves, packages }: TestNotice): string => `<update status="final"
  from="a@example.org" version="1" type="${type}"><id>${id}</id><title>${id}</title><severity>${severity}</severity>
  <issued date="${issued}"/><references>${cves.map((cve) => `<reference href="https://example.org/${cve}" id="${cve}" type="cve" title="${cve}"/>`).join('')}</references>
  <pkglist><collection short="c"><name>c</name>${packages.map(packageXml).join('')}</collection></pkglist></update>`;

export const updateInfo = (notices: readonly TestNotice[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<updates>${notices.map(noticeXml).join('\n')}</updates>\n`;

/** A scratch folder in which real packages, databases and repositories are made. */
export class RpmWorld {
  readonly folder: string;
  #specs = 0;

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
      // As distributions set it: no file is newer than its package.
      'clamp_mtime_to_source_date_epoch 1',
    ].flatMap((define) => ['--define', define]);
    const env = { ...process.env, SOURCE_DATE_EPOCH: '1750000000' };
    const fileOf = ({ name, evr, arch = 'noarch' }: RpmSpec): string => `${name}-${evr.replace(/^\d+:/, '')}.${arch}`;
    const build = async (arch: string, texts: readonly string[]): Promise<void> => {
      const specFiles: string[] = [];
      for (const text of texts) {
        this.#specs += 1;
        const specFile = join(this.folder, `${this.#specs}.spec`);
        await writeFile(specFile, text);
        specFiles.push(specFile);
      }
      await run('rpmbuild', ['-bb', '--quiet', '--target', arch, ...defines, ...specFiles], { env });
    };
    const [full, empty] = [specs.filter(hasContent), specs.filter((spec) => !hasContent(spec))];
    for (const [arch, same] of Map.groupBy(full, (spec) => spec.arch ?? 'noarch'))
      await build(arch, same.map(specText));
    for (const [arch, same] of Map.groupBy(empty, ({ arch }) => (arch === 'i686' ? 'i686' : 'x86_64'))) {
      await build(arch, batches(same).map(batchText));
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

  /** What `rpm -Va` finds changed in a root; '' when all is as its packages brought it. */
  async verify(root: string): Promise<string> {
    const place = ['--root', join(this.folder, root), '--define', `_dbpath ${RPM_DATABASE}`];
    const told = (error: { readonly stdout?: string }): { readonly stdout: string } => ({ stdout: error.stdout ?? '' });
    return (await run('rpm', [...place, '-Va', '--noscripts'], { encoding: 'utf8' }).catch(told)).stdout;
  }

  /** A file of a root. */
  async write(root: string, path: string, content: string): Promise<void> {
    const file = join(this.folder, root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  /** A repository of packages, as createrepo_c makes it. */
  async repository(name: string, packages: readonly string[], ...options: readonly string[]): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(join(path, 'Packages'), { recursive: true });
    for (const file of packages) await run('cp', [file, join(path, 'Packages')]);
    await run('createrepo_c', ['--quiet', ...options, path]);
    return path;
  }

  /** Adds announcements to a repository. */
  async announce(repository: string, notices: readonly TestNotice[]): Promise<void> {
    await this.addMetadata(repository, 'updateinfo.xml', updateInfo(notices));
  }

  /** Adds a metadata file to a repository; its name says what it is. */
  async addMetadata(repository: string, name: string, content: string): Promise<void> {
    const file = join(this.folder, name);
    await writeFile(file, content);
    await run('modifyrepo_c', [file, join(repository, 'repodata')]);
  }

  /** dnf over a root of the world, with these repositories alone; exit code 100 (updates available) is fine. */
  async dnf(root: string, repositories: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
    await mkdir(join(this.folder, 'dnf-log'), { recursive: true });
    // librpm reads where the database lies from the user's macros.
    await writeFile(join(this.folder, '.rpmmacros'), `%_dbpath ${RPM_DATABASE}\n`);
    const options = [
      '-q',
      `--installroot=${join(this.folder, root)}`,
      `--setopt=cachedir=${join(this.folder, 'dnf-cache')}`,
      `--setopt=reposdir=${join(this.folder, 'none')}`,
      `--setopt=logdir=${join(this.folder, 'dnf-log')}`,
      '--releasever=9',
      '--forcearch=x86_64',
      ...Object.entries(repositories).map(([name, path]) => `--repofrompath=${name},file://${path}`),
    ];
    const env = { ...process.env, HOME: this.folder, LC_ALL: 'C' };
    return run('dnf', [...options, ...args], { env }).then(
      ({ stdout }) => stdout,
      (error: { code?: number; stdout?: string }) => {
        if (error.code === 100) return error.stdout ?? '';
        throw error;
      },
    );
  }
}
