import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { discoverMirrors } from '../mirrors.ts';
import { mirrorOfRepoUrl, repoUrls } from './repo-files.ts';

const file = (text: string, path = 'etc/yum.repos.d/rocky.repo') => ({ path, bytes: Buffer.from(text) });

test('URLs of enabled repositories, on one line or several; lists of mirrors name none', () => {
  const urls = repoUrls([
    file(`# a comment
[baseos]
name=Rocky Linux $releasever - BaseOS
mirrorlist=https://mirrors.example/list?arch=$basearch
#baseurl=https://old.example/pub/rocky/$releasever/BaseOS/$basearch/os/
baseurl = https://one.example/pub/rocky/$releasever/BaseOS/$basearch/os/
   https://two.example/rocky/9/BaseOS/x86_64/os
enabled=1

[debug]
baseurl=https://debug.example/x
enabled=0
`),
    file('[oss]\nbaseurl=https://three.example/distribution/leap/15.6/repo/oss\n', 'etc/zypp/repos.d/oss.repo'),
    file('[x]\nbaseurl=https://no.example/\n', 'etc/yum.repos.d/notes.txt'),
  ]);
  assert.deepEqual(urls, [
    'https://one.example/pub/rocky/$releasever/BaseOS/$basearch/os/',
    'https://two.example/rocky/9/BaseOS/x86_64/os',
    'https://three.example/distribution/leap/15.6/repo/oss',
  ]);
});

test("the mirror is what stands before the distribution's own layout", () => {
  for (const [id, url, mirror] of [
    ['rocky', 'https://one.example/pub/rocky/$releasever/BaseOS/$basearch/os/', 'https://one.example/pub/rocky'],
    ['rhel', 'https://cdn.example/ubi/dist/ubi9/9/$basearch/appstream/os', 'https://cdn.example/ubi/dist'],
    ['opensuse', 'https://h.example/update/leap/15.6/sle', 'https://h.example'],
    ['rocky', 'https://$contentdir.example/rocky/9/BaseOS/x86_64/os', undefined],
    ['rocky', 'https://third.example/packages/el9/x86_64', undefined],
    ['nobody', 'https://one.example/rocky/9/BaseOS/x86_64/os', undefined],
  ] as const) {
    assert.equal(mirrorOfRepoUrl(id, url), mirror, url);
  }
});

test("an image's own repositories are asked first, those of addresses inside never", async () => {
  const search = (text: string) =>
    discoverMirrors({
      id: 'rocky',
      environment: {},
      hostSources: [],
      known: { rocky: { main: ['https://known.example/rocky'], security: [] } },
      imageSources: [file(text)],
    });
  const found = await search('[a]\nbaseurl=https://own.example/rocky/9/BaseOS/x86_64/os\n');
  assert.deepEqual(found.main, ['https://own.example/rocky', 'https://known.example/rocky']);
  for (const host of ['127.0.0.1', '169.254.169.254', '10.0.0.1', 'user:secret@out.example']) {
    const { main } = await search(`[a]\nbaseurl=https://${host}/rocky/9/BaseOS/x86_64/os\n`);
    assert.deepEqual(main, ['https://known.example/rocky'], host);
  }
});

test('any text is read in its length', () => {
  fc.assert(fc.property(fc.string(), (text) => void repoUrls([file(`[a]\nbaseurl=${text}`), file(text)])));
  const long = `[a]\nbaseurl=${'https://x/'.repeat(20_000)}`;
  for (const url of repoUrls([file(long)])) mirrorOfRepoUrl('rocky', url);
});
