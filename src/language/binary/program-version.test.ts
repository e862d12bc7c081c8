import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildProgram, Flag } from '../testing/build-program.ts';
import { readProgram } from '../testing/read-program.ts';
import { VERSION_RULES } from './rules.ts';

const withText = (text: string, before = 5000): Buffer =>
  buildProgram({
    parts: [
      {
        content: Buffer.concat([Buffer.alloc(before, 'xyz 1.2.3'), Buffer.from(text, 'latin1'), Buffer.alloc(700)]),
        flags: Flag.constants,
      },
    ],
  });

async function versionsOf(name: string, bytes: Buffer, step?: number): Promise<readonly string[]> {
  const findings = await readProgram(`usr/local/bin/${name}`, bytes, step);
  return findings.flatMap(({ packages = [] }) => packages.map((item) => `${item.name} ${item.version}`));
}

/** Texts as they stand in real files (those of Debian stand in test/oracle), and what they say. */
const TEXTS: readonly (readonly [file: string, text: string, found: string])[] = [
  ['node', '\0node.js/v20.9.0\0', 'node 20.9.0'],
  ['node', '\0node.js/v21.0.0-nightly2023\0', 'node 21.0.0-nightly2023'],
  ['python3.11', '/usr/src/Python-3.11.7\0', 'python 3.11.7'],
  ['libpython3.13.so.1.0', '\x003.2.0\0\x003.13.0rc2+\0', 'python 3.13.0rc2+'],
  ['nginx', 'nginx version: openresty/1.25.3.1\0', 'openresty 1.25.3.1'],
  ['libcrypto.so.1.1', 'OpenSSL 1.1.1w  11 Sep 2023\0', 'openssl 1.1.1w'],
  ['redis-server', '\x007.0.14buildkitsandbox-1702957741000000000\0', 'redis 7.0.14'],
  ['redis-server', '\x006.0.161644878700000000000\0', 'redis 6.0.16'],
  ['postgres', 'postgres (PostgreSQL) 17beta1\n', 'postgresql 17beta1'],
  ['haproxy', '\x002.9-dev12\0HAProxy version follows', 'haproxy 2.9-dev12'],
  ['ruby', '\0ruby 3.4.0preview1 (2024-05-16 master 9d69619623) [x86_64-linux]', 'ruby 3.4.0preview1'],
  ['mysqld', '\x005.5.5-10.11.6-MariaDB\0', 'mariadb 10.11.6'],
  ['libc.so.6', 'GNU C Library (Ubuntu GLIBC 2.39-0ubuntu8) stable release version 2.39.', 'glibc 2.39'],
];

test('versions by the texts in real programs', async () => {
  for (const [file, text, found] of TEXTS) assert.deepEqual(await versionsOf(file, withText(text)), [found], file);
  assert.deepEqual(await versionsOf('python3.12', withText('/usr/src/Python-3.11.7\0')), []);
  assert.deepEqual(await versionsOf('other', withText('\0node.js/v20.9.0\0')), []);
});

test('wherever the chunks of the file end', async () => {
  const bytes = withText('\x002.9-dev12\0HAProxy version follows', 9000);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 40, max: 9100 }), async (step) => {
      assert.deepEqual(await versionsOf('haproxy', bytes, step), ['haproxy 2.9-dev12']);
    }),
    { numRuns: 60 },
  );
});

test('a guess with a CPE name; scripts of the same name say nothing', async () => {
  const findings = await readProgram('usr/local/bin/node', withText('\0node.js/v20.9.0\0'));
  const finding = findings.find(({ reader }) => reader === 'program-version');
  assert.deepEqual(finding?.packages, [
    {
      ecosystem: 'generic',
      name: 'node',
      version: '20.9.0',
      state: 'installed',
      guessed: true,
      details: { cpe: 'cpe:2.3:a:nodejs:node.js:20.9.0:*:*:*:*:*:*:*' },
    },
  ]);
  assert.deepEqual(await versionsOf('node', Buffer.from(`#!/bin/sh\n${'#'.repeat(200)}\0node.js/v20.9.0\0`)), []);
});

test('any bytes of a program give versions or nothing', async () => {
  const words = fc.constantFrom(
    ...VERSION_RULES.map(({ anchor }) => anchor),
    '\0',
    '1.2.3',
    ' 3 May 2024',
    '/',
    '9'.repeat(30),
  );
  const names = fc.constantFrom(...VERSION_RULES.map((rule) => rule.names[0] as string));
  await fc.assert(
    fc.asyncProperty(
      names,
      fc.array(words, { maxLength: 60 }),
      fc.integer({ min: 100, max: 3000 }),
      async (name, texts, step) => {
        for (const found of await versionsOf(name, withText(texts.join(''), 10), step))
          assert.match(found, /^\S+ \d[\w.+-]*$/);
      },
    ),
    { numRuns: 300 },
  );
});
