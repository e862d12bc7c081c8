import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { homeAt, silentLog } from '../../src/base/index.ts';
import { checkRef, checkSubPath, isGitFolder } from '../../src/source/git/git-names.ts';
import { parseGitUrl, submoduleUrl } from '../../src/source/git/git-url.ts';
import { runGit } from '../../src/source/git/run-git.ts';
import { checkLinks } from '../../src/source/links.ts';
import { openSources } from '../../src/source/sources.ts';
import type { GitSource, Source, SourceLimits } from '../../src/source/types.ts';
import { commitFiles, git, newRepository, startGitServer } from '../support/git-server.ts';

async function bench(context: TestContext, limits: Partial<SourceLimits> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'source-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void warnings.push(text) };
  const home = homeAt(join(folder, 'home'));
  return { folder, home, warnings, sources: openSources({ home, limits, log }) };
}

const gitOf = (url: string, more: Partial<GitSource> = {}): Source => ({
  kind: 'git',
  git: { url, insecure: true, ...more },
});

test('URLs that make git do anything but move objects are refused before git sees them', async (context) => {
  const { folder, sources } = await bench(context);
  const marker = join(folder, 'marker');
  const urls = [
    ...['', ' ', '-', '--upload-pack=touch marker', `--upload-pack=touch ${marker}`, `ext::sh -c touch% ${marker}`],
    ...['ext::ssh', 'fd::17', 'file:///etc', '/etc', './here', '../there', `file://${folder}`, 'C:\\repo'],
    ...[
      'https://user:secret@example.org/a',
      'https://token@example.org/a',
      'http://',
      'https://',
      'https://example.org',
    ],
    ...['ssh://-oProxyCommand=touch%20x/a', 'ssh://-oProxyCommand=x@h/a', '-oProxyCommand=x:a', 'a@-oProxyCommand=x:b'],
    ...[
      'host:-x',
      'host:`id`',
      'host:$(id)',
      'ssh://host/$(id)',
      "ssh://host/a'b",
      'https://example.org/a\nb',
      'https://ex ample/a',
    ],
    ...[
      'ftp://example.org/a',
      'rsync://example.org/a',
      'git+ssh://example.org/a',

      'https://example.org/a#b',
    ],
    `https://example.org/${'a'.repeat(3_000)}`,
  ];
  for (const url of urls) {
    await assert.rejects(sources.fetch(gitOf(url)), { code: 'SOURCE_REFUSED' }, url);
  }
  for (const url of ['http://example.org/a', 'git://example.org/a']) {
    assert.throws(() => parseGitUrl(url), { code: 'SOURCE_REFUSED' });
  }
  assert.ok(!existsSync(marker));
  const secret = await sources.fetch(gitOf('https://user:hunter2@example.org/a')).catch((error: Error) => error);
  assert.ok(secret instanceof Error && !secret.message.includes('hunter2'));
  // What is fine, and what it is known by.
  for (const [url, path] of [
    ['https://git.example.org/team/app.git', 'team/app'],
    ['ssh://git@git.example.org:2222/team/app', 'team/app'],
    ['git@git.example.org:team/app.git', 'team/app'],
    ['https://git.example.org:8443/a/b/c/', 'a/b/c'],
  ] as const) {
    const parsed = parseGitUrl(url);
    assert.deepEqual([parsed.host, parsed.path], ['git.example.org', path]);
  }
});

test('no text that is taken as a URL, ref or path begins an option or leaves the tree', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-a-z:/@.~$`{}^ ]{0,30}$/), fc.webUrl());
  const refs = new Set<string>();
  const tried = <T>(check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'SOURCE_REFUSED');
      return undefined;
    }
  };
  fc.assert(
    fc.property(text, (value) => {
      const url = tried(() => parseGitUrl(value, true));
      if (url !== undefined) {
        assert.match(url.url, /^(?:https?:\/\/|ssh:\/\/|git:\/\/|[A-Za-z0-9._])[^\s"'`$\\]*$/);
        // `transport::address` would start a program of the text's choice, gitremote-helpers(7); only its beginning says so.
        assert.doesNotMatch(url.url, /^[A-Za-z0-9+.-]*::/);
      }
      const ref = tried(() => checkRef(value));
      if (ref !== undefined) refs.add(ref);
      const path = tried(() => checkSubPath(value));
      if (path !== undefined) assert.ok(!path.split('/').includes('..') && !path.startsWith('/'));
    }),
    { numRuns: 1_000 },
  );
  // git's own word on a sample; each is a process.
  for (const ref of [...refs].slice(0, 15)) {
    const words = ['check-ref-format', '--allow-onelevel', ref];
    assert.doesNotThrow(() => execFileSync('git', words), `git refuses the ref ${JSON.stringify(ref)}`);
  }
  for (const name of [
    '.git',
    '.GIT',
    '.Git ',
    '.git.',
    'git~1',
    'GIT~2',
    '.g\u200cit',
    '.git::$INDEX_ALLOCATION',
    '.git:x',
  ]) {
    assert.ok(isGitFolder(name), name);
  }
  for (const name of ['.gitignore', '.gitmodules', 'git', '.github', 'git~']) assert.ok(!isGitFolder(name), name);
});

test('hooks, filters, smudge, aliases and configuration of repository and host never run', async (context) => {
  const { folder, sources, warnings } = await bench(context);
  const marker = join(folder, 'ran');
  const run = `touch ${marker}`;
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
  const work = newRepository(folder, 'app', {
    '.gitattributes': '*.txt filter=evil ident eol=crlf\n*.bin filter=lfs diff=lfs merge=lfs -text\nx export-ignore\n',
    '.gitconfig': `[filter "evil"]\n\tsmudge = ${run}\n`,
    '.lfsconfig': '[lfs]\n\turl = http://127.0.0.1:1/\n',
    'a.txt': '$Id$\nline\n',
    'big.bin': pointer,
    x: 'x\n',
    'hooks/post-checkout': `#!/bin/sh\n${run}\n`,
  });
  for (const hook of ['post-checkout', 'post-merge', 'reference-transaction', 'fsmonitor-watchman']) {
    writeFileSync(join(folder, `${hook}`), '');
  }
  const host = join(folder, 'host');
  mkdirSync(host);
  writeFileSync(
    join(host, '.gitconfig'),
    `[core]\n\thooksPath = ${host}\n\tfsmonitor = ${run}\n[filter "evil"]\n\tsmudge = ${run}\n`,
  );
  writeFileSync(join(host, 'reference-transaction'), `#!/bin/sh\n${run}\n`, { mode: 0o755 });
  const before = process.env.HOME;
  process.env.HOME = host;
  context.after(() => {
    process.env.HOME = before;
  });
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const revision = await sources.fetch(gitOf(`${server.url}/app.git`));
  const unpacked = await sources.folder(revision);
  assert.ok(!existsSync(marker));
  assert.equal(readFileSync(join(unpacked, 'a.txt'), 'utf8'), '$Id$\nline\n');
  assert.equal(readFileSync(join(unpacked, 'big.bin'), 'utf8'), pointer);
  assert.ok(existsSync(join(unpacked, 'x')));
  assert.match(revision.notes?.join() ?? '', /LFS pointers .*: big\.bin$/);
  assert.match(warnings.join(), /LFS pointers/);
  assert.ok(server.requests.every(({ line }) => line.includes('/app.git/')));
  git(work, 'status');
});

test('links, names and special files that lead out of the tree are refused', async (context) => {
  const { folder, sources } = await bench(context);
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const bad: Record<string, readonly [path: string, target: string][]> = {
    absolute: [['l', '/etc/passwd']],
    climbing: [['a/l', '../../x']],
    // Lexically inside; the kernel goes out.
    through: [
      ['here', '.'],
      ['l', 'here/../x'],
    ],
    chain: [
      ['a/b/c', '../..'],
      ['l', 'a/b/c/../x'],
    ],
  };
  for (const [name, links] of Object.entries(bad)) {
    const work = newRepository(folder, name, { 'a/b/file': 'x\n' });
    for (const [path, target] of links) symlinkSync(target, join(work, path));
    commitFiles(work, {}, 'links');
    await assert.rejects(sources.fetch(gitOf(`${server.url}/${name}.git`)), { code: 'SOURCE_UNSAFE' }, name);
    await assert.rejects(sources.fetch({ kind: 'folder', folder: { folder: work } }), { code: 'SOURCE_UNSAFE' }, name);
    const file = join(folder, `${name}.tar`);
    execFileSync('tar', ['--exclude=.git', '-cf', file, '-C', work, '.']);
    await assert.rejects(
      sources.fetch({ kind: 'archive', archive: { location: file } }),
      { code: 'SOURCE_UNSAFE' },
      name,
    );
  }
  // A tree that no git would write, which hides a second .git.
  const work = newRepository(folder, 'names', { file: 'x\n' });
  const blob = git(work, 'hash-object', '-w', 'file');
  const inner = execFileSync('git', ['mktree'], {
    cwd: work,
    input: `100644 blob ${blob}\tconfig\n`,
    encoding: 'utf8',
  }).trim();
  const tree = execFileSync('git', ['mktree'], {
    cwd: work,
    input: `040000 tree ${inner}\t.GIT\n`,
    encoding: 'utf8',
  }).trim();
  git(work, 'push', '--quiet', '--force', 'origin', `${git(work, 'commit-tree', tree, '-m', 'x')}:refs/heads/main`);
  await assert.rejects(sources.fetch(gitOf(`${server.url}/names.git`)), { code: 'SOURCE_UNSAFE' });
  // Through a link to a folder of the host, by the path of the source.
  const linked = join(folder, 'linked');
  mkdirSync(linked);
  symlinkSync('/etc', join(linked, 'web'));
  execFileSync('tar', ['-cf', join(folder, 'linked.tar'), '-C', linked, '.']);
  const archive = { location: join(folder, 'linked.tar'), path: 'web/ssl' };
  await assert.rejects(sources.fetch({ kind: 'archive', archive }), { code: 'SOURCE_REF_UNKNOWN' });
  execFileSync('mkfifo', [join(folder, 'linked', 'pipe')]);
  await assert.rejects(sources.fetch({ kind: 'folder', folder: { folder: linked } }), { code: 'SOURCE_UNSAFE' });
  assert.deepEqual(await readdir(join(folder, 'home', 'sources', 'trees')), []);
});

test('links are followed as the kernel follows them', async (context) => {
  const { folder } = await bench(context);
  const real = realpathSync(folder);
  const part = fc.constantFrom('a', 'b', 'c', '..', '.');
  const links = fc.array(
    fc.tuple(fc.constantFrom('a/x', 'b/y', 'z', 'a/c'), fc.array(part, { minLength: 1, maxLength: 4 })),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(links, async (made) => {
      run += 1;
      const root = join(folder, `r${run}`, 'outside', 'root');
      for (const name of ['a', 'b']) mkdirSync(join(root, name), { recursive: true });
      const entries = [...new Map(made)].map(([path, parts]) => {
        symlinkSync(parts.join('/'), join(root, path));
        const target = Buffer.from(parts.join('/'));
        return {
          path: Buffer.from(path),
          type: 'symlink',
          executable: false,
          size: target.length,
          read: async () => target,
        } as const;
      });
      const safe = await checkLinks(entries).then(
        () => true,
        () => false,
      );
      if (!safe) return;
      for (const { path } of entries) {
        let where = real;
        try {
          where = realpathSync.native(join(root, path.toString()));
        } catch {
          // Leads to nothing, or round in circles.
        }
        assert.ok(
          where.startsWith(join(real, `r${run}`, 'outside', 'root')) || where === real,
          `${path} leads to ${where}`,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('limits end a fetch: bytes, files, one file, time', async (context) => {
  const { folder, home } = await bench(context);
  newRepository(folder, 'app', { a: 'a'.repeat(5_000), b: 'b', c: 'c' });
  const server = await startGitServer(folder);
  context.after(() => server.close());
  for (const limits of [{ bytes: 4_000 }, { files: 2 }, { fileBytes: 4_000 }]) {
    const sources = openSources({ home, limits });
    await assert.rejects(
      sources.fetch(gitOf(`${server.url}/app.git`)),
      { code: 'SOURCE_LIMIT' },
      JSON.stringify(limits),
    );
  }
  // A server that never ends its answer, and one that sends noise without end.
  const endless = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    if (request.url?.startsWith('/noise') !== true) return;
    const more = (): void => {
      while (response.write('000fnot a ref\n\0'.repeat(1_000)));
      response.once('drain', more);
    };
    more();
  });
  await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    endless.close();
    endless.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
  const impatient = openSources({ home, limits: { time: 1_500 } });
  for (const path of ['silent', 'noise']) {
    await assert.rejects(impatient.fetch(gitOf(`${url}/${path}.git`)), (error: { code?: string }) =>
      ['SOURCE_LIMIT', 'SOURCE_UNREACHABLE', 'SOURCE_DENIED'].includes(error.code ?? ''),
    );
  }
  await assert.rejects(runGit({ arguments: ['version'], time: 10_000, outputBytes: 3 }), { code: 'SOURCE_LIMIT' });
});

test('submodules: same server only, with credentials for nobody else, no tricks of path or URL', async (context) => {
  const { folder, sources } = await bench(context);
  const lib = newRepository(folder, 'lib', { 'lib.txt': 'lib\n' });
  const commit = git(lib, 'rev-parse', 'HEAD');
  const server = await startGitServer(folder, { credentials: 'robot:s3cret' });
  const stranger = await startGitServer(folder);
  context.after(() => Promise.all([server.close(), stranger.close()]));
  writeFileSync(join(folder, 'token'), 's3cret\n', { mode: 0o600 });
  const credentials = { username: 'robot', passwordFile: join(folder, 'token') };
  const withModule = (name: string, url: string, path = 'vendor/lib', more = ''): Source => {
    const work = newRepository(folder, name, {
      '.gitmodules': `[submodule "lib"]\n\tpath = ${path}\n\turl = ${url}\n${more}`,
    });
    git(work, 'update-index', '--add', '--cacheinfo', `160000,${commit},vendor/lib`);
    git(work, 'commit', '--quiet', '-m', 'module');
    git(work, 'push', '--quiet', '--force', 'origin', 'HEAD');
    return gitOf(`${server.url}/${name}.git`, { submodules: true, credentials });
  };
  for (const [name, url] of [
    ['relative', '../lib.git'],
    ['whole', `${server.url}/lib.git`],
  ] as const) {
    const revision = await sources.fetch(withModule(name, url));
    assert.deepEqual(revision.submodules, [{ path: 'vendor/lib', url: `${server.url}/lib.git`, commit }]);
    assert.equal(readFileSync(join(await sources.folder(revision), 'vendor/lib/lib.txt'), 'utf8'), 'lib\n');
  }
  for (const [name, url] of [
    ['ext', 'ext::sh -c touch% ran'],
    ['option', '--upload-pack=touch ran'],
    ['file', `file://${lib}`],
    ['climb', '../../../../lib.git'],
    ['elsewhere', 'https://other.example.org/lib.git'],
  ] as const) {
    await assert.rejects(
      sources.fetch(withModule(name, url)),
      (error: { code?: string }) => ['SOURCE_REFUSED', 'SOURCE_UNSAFE'].includes(error.code ?? ''),
      name,
    );
  }
  const update = withModule('update', '../lib.git', 'vendor/lib', '\tupdate = !touch ran\n');
  await assert.rejects(sources.fetch(update), { code: 'SOURCE_UNSAFE' });
  // The same host on another port is another server: it is reached, and gets no credentials.
  const other = await sources.fetch(withModule('port', `${stranger.url}/lib.git`));
  assert.equal(other.submodules?.[0]?.url, `${stranger.url}/lib.git`);
  assert.ok(stranger.requests.length > 0);
  assert.ok(stranger.requests.every(({ authorization }) => authorization === undefined));
  assert.ok(existsSync(join(folder, 'lib.work')) && !existsSync(join(folder, 'ran')));
  const parent = parseGitUrl('git@host:team/app.git');
  assert.equal(submoduleUrl(parent, '../lib.git').url, 'git@host:team/lib.git');
  assert.throws(() => submoduleUrl(parent, '../../../lib.git'), { code: 'SOURCE_REFUSED' });
  // Left out where it is not asked for, and said.
  const without = await sources.fetch({
    kind: 'git',
    git: { url: `${server.url}/relative.git`, insecure: true, credentials },
  });
  assert.match(without.notes?.join() ?? '', /submodule vendor\/lib is left out/);
});

test('credentials reach their server, and neither argv nor messages nor a redirect', async (context) => {
  const { folder, sources, home } = await bench(context);
  newRepository(folder, 'app', { a: 'a\n' });
  const seen: string[] = [];
  let away = '';
  const server = await startGitServer(folder, {
    credentials: 'x-access-token:t0k3n',
    intercept: (request, response) => {
      seen.push(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8', maxBuffer: 16 << 20 }));
      if (!request.url?.startsWith('/moved')) return false;
      response.writeHead(302, { location: `${away}${request.url.replace('moved', 'app')}` }).end();
      return true;
    },
  });
  const thief = await startGitServer(folder);
  away = thief.url;
  context.after(() => Promise.all([server.close(), thief.close()]));
  const passwordFile = join(folder, 'token');
  writeFileSync(passwordFile, 't0k3n\n');
  await sources.fetch(gitOf(`${server.url}/app.git`, { credentials: { passwordFile } }));
  process.env.HERAKLIT_TEST_TOKEN = 't0k3n';
  context.after(() => delete process.env.HERAKLIT_TEST_TOKEN);
  await sources.fetch(
    gitOf(`${server.url}/app.git`, { path: '.', credentials: { passwordEnv: 'HERAKLIT_TEST_TOKEN' } }),
  );
  const basic = Buffer.from('x-access-token:t0k3n').toString('base64');
  assert.ok(seen.length > 0 && seen.every((list) => !list.includes('t0k3n') && !list.includes(basic)));
  await assert.rejects(sources.fetch(gitOf(`${server.url}/moved.git`, { credentials: { passwordFile } })), {
    code: 'SOURCE_DENIED',
  });
  assert.equal(thief.requests.length, 0);
  writeFileSync(passwordFile, 'wr0ng\n');
  const denied = await sources
    .fetch(gitOf(`${server.url}/app.git`, { ref: 'x', credentials: { passwordFile } }))
    .catch((e: Error) => e);
  assert.equal((denied as { code?: string }).code, 'SOURCE_DENIED');
  assert.ok(!(denied as Error).message.includes('wr0ng'));
  // A helper of the operator's; nothing of it is kept.
  const helper = join(folder, 'helper');
  writeFileSync(helper, '#!/bin/sh\n[ "$1" = get ] && printf "username=x-access-token\\npassword=t0k3n\\n"\n', {
    mode: 0o755,
  });
  await sources.fetch(gitOf(`${server.url}/app.git`, { ref: 'main', path: './', credentials: { helper } }));
  for (const bad of ['!sh -c id', '/bin/x y', '../x']) {
    await assert.rejects(sources.fetch(gitOf(`${server.url}/app.git`, { ref: 'q', credentials: { helper: bad } })), {
      code: 'SOURCE_REFUSED',
    });
  }
  for (const missing of [{ passwordFile: join(folder, 'none') }, { passwordEnv: 'HERAKLIT_TEST_NONE' }]) {
    await assert.rejects(sources.fetch(gitOf(`${server.url}/app.git`, { ref: 'q', credentials: missing })), {
      code: 'SOURCE_CREDENTIALS_UNREADABLE',
    });
  }
  const grep = spawnSync('grep', ['-rlaE', `t0k3n|${basic}`, home.root], { encoding: 'utf8' });
  assert.equal(grep.stdout, '');
});

test('refs: annotated tags are followed, a name of both kinds is asked back, what is not there is said', async (context) => {
  const { folder, sources } = await bench(context);
  const work = newRepository(folder, 'app', { a: 'a\n' });
  git(work, 'tag', '-a', 'v1', '-m', 'one');
  git(work, 'tag', 'both');
  git(work, 'push', '--quiet', 'origin', 'v1', 'refs/tags/both', 'HEAD:refs/heads/both', 'HEAD:refs/heads/x/main');
  const server = await startGitServer(folder);
  context.after(() => server.close());
  const url = `${server.url}/app.git`;
  const tag = await sources.fetch(gitOf(url, { ref: 'v1' }));
  assert.deepEqual([tag.ref, tag.commit], ['refs/tags/v1', git(work, 'rev-parse', 'HEAD')]);
  assert.equal((await sources.fetch(gitOf(url))).ref, 'HEAD');
  await assert.rejects(sources.fetch(gitOf(url, { ref: 'both' })), {
    code: 'SOURCE_REF_UNKNOWN',
    hint: /refs\/heads\/both or refs\/tags\/both/,
  });
  assert.equal((await sources.fetch(gitOf(url, { ref: 'refs/tags/both' }))).commit, tag.commit);
  for (const more of [{ ref: 'none' }, { ref: '0'.repeat(40) }, { path: 'none' }, { path: 'a' }]) {
    await assert.rejects(sources.fetch(gitOf(url, more)), { code: 'SOURCE_REF_UNKNOWN' }, JSON.stringify(more));
  }
  await assert.rejects(sources.fetch(gitOf(`${server.url}/none.git`)), { code: 'SOURCE_DENIED' });
  const path = process.env.PATH;
  process.env.PATH = folder;
  context.after(() => {
    process.env.PATH = path;
  });
  await assert.rejects(sources.fetch(gitOf(url)), { code: 'SOURCE_GIT_MISSING' });
});
