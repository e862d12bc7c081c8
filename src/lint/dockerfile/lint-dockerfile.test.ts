import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { checkRuleNames } from '../rule-names.ts';
import { DOCKERFILE_RULES, lintDockerfile } from './lint-dockerfile.ts';
import { shellCommands } from './shell-commands.ts';

const found = (text: string, ...ignored: string[]): readonly string[] =>
  lintDockerfile(text, new Set(ignored)).map(({ rule, line }) => `${rule}:${line}`);

/** Rule → a Dockerfile in which it hits, at a line, and one that is right. */
const EXAMPLES: Readonly<Record<string, readonly [bad: string, line: number, good: string]>> = {
  'dockerfile-syntax': ['FROM a:1\nRUNN x', 2, 'ARG V=1\nFROM a:$V\nRUN x'],
  'base-latest': ['FROM debian', 1, 'FROM debian:13 AS base\nFROM base\nFROM scratch'],
  'base-without-digest': ['FROM debian:13', 1, `FROM debian:13@sha256:${'a'.repeat(64)}`],
  'stage-name-twice': ['FROM a:1 AS x\nFROM b:1 AS X', 2, 'FROM a:1 AS x\nFROM b:1 AS y'],
  'copy-from-later-stage': [
    'FROM a:1 AS x\nCOPY --from=y /a /b\nFROM b:1 AS y',
    2,
    'FROM a:1 AS x\nFROM b:1 AS y\nCOPY --from=x /a /b\nCOPY --from=0 /a /b\nCOPY --from=nginx:1 /a /b',
  ],
  'last-user-root': ['FROM a:1\nUSER app\nUSER 0:0', 3, 'FROM a:1 AS x\nUSER root\nFROM b:1\nUSER 1000'],
  'secret-in-dockerfile': [
    'FROM a:1\nENV A=b DB_PASSWORD=hunter2',
    2,
    'FROM a:1\nENV DB_PASSWORD_FILE=/run/secrets/db TOKEN_URL=https://x/ API_TOKEN=$X',
  ],
  'several-commands': ['FROM a:1\nCMD ["a"]\nCMD ["b"]', 2, 'FROM a:1\nCMD ["a"]\nFROM b:1\nCMD ["b"]'],
  'shell-form': ['FROM a:1\nENTRYPOINT run me', 2, 'FROM a:1\nENTRYPOINT ["run", "me"]'],
  'relative-workdir': ['FROM a:1\nWORKDIR app', 2, 'FROM a:1\nWORKDIR /app\nWORKDIR src'],
  'add-url': [
    'FROM a:1\nADD https://example.com/x /x',
    2,
    `FROM a:1\nADD --checksum=sha256:${'a'.repeat(64)} https://example.com/x /x`,
  ],
  'add-for-copy': ['FROM a:1\nADD src /src', 2, 'FROM a:1\nADD rootfs.tar.xz /'],
  maintainer: ['FROM a:1\nMAINTAINER me', 2, 'FROM a:1\nLABEL a=b'],
  'package-cache-left': [
    'FROM a:1\nRUN apt-get update && \\\n  apt-get install -y x',
    2,
    [
      'FROM a:1',
      'RUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*',
      'RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y x',
      'RUN apk add --no-cache x',
      'RUN dnf -y install x; dnf clean all',
      'RUN pip3 install --no-cache-dir x',
      'RUN echo apt-get install x',
    ].join('\n'),
  ],
  'apt-update-alone': ['FROM a:1\nRUN apt-get update', 2, 'FROM a:1\nRUN apt-get update && apt-get -y install x'],
  'apt-recommends': [
    'FROM a:1\nRUN apt-get install -y x',
    2,
    'FROM a:1\nRUN apt-get install -y --no-install-recommends x',
  ],
  'apt-asks': ['FROM a:1\nRUN apt-get install x', 2, 'FROM a:1\nRUN apt-get install -qy x'],
  'download-into-shell': [
    'FROM a:1\nRUN curl -fsSL https://example.com/i 2>&1 | sudo bash -s',
    2,
    'FROM a:1\nRUN curl -o i https://example.com/i && sha256sum -c i.sum && sh i\nRUN curl https://x/ | tar x',
  ],
  'download-insecure': ['FROM a:1\nRUN curl -sSk https://example.com/', 2, 'FROM a:1\nRUN curl -o k --fail https://x/'],
  sudo: ['FROM a:1\nRUN FOO=1 sudo ls', 2, 'FROM a:1\nRUN apt-get install -y sudo'],
  'chmod-everybody': ['FROM a:1\nRUN mkdir /x && chmod -R 777 /x', 2, 'FROM a:1\nRUN chmod 1777 /tmp2; chmod 755 /x'],
};

test('every rule has an example', () => {
  assert.deepEqual(Object.keys(EXAMPLES).sort(), DOCKERFILE_RULES.map(({ id }) => id).sort());
});

for (const [rule, [bad, line, good]] of Object.entries(EXAMPLES)) {
  test(`${rule}: hits where it should, and only there`, () => {
    assert.ok(found(bad).includes(`${rule}:${line}`), found(bad).join(' '));
    assert.ok(!found(good).some((one) => one.startsWith(`${rule}:`)), found(good).join(' '));
    assert.ok(!found(bad, rule).some((one) => one.startsWith(`${rule}:`)));
  });
}

test('a comment before an instruction keeps a rule from it alone', () => {
  const text = 'FROM a:1\n# heraklit ignore=sudo, apt-asks\nRUN sudo ls\nRUN sudo ls\n';
  assert.deepEqual(
    found(text).filter((one) => one.startsWith('sudo')),
    ['sudo:4'],
  );
});

test('commands of a shell text: quotes, continued lines, comments, pipes, groups', () => {
  const words = (text: string) => shellCommands(text).map((command) => command.words.join(' '));
  assert.deepEqual(words('a "b && c" \'d;e\' f\\ g && (h; i) # j; k\nA=1 B="2 3" l || m >n 2>&1 &'), [
    ...['a b && c d;e f g', 'h', 'i', 'l', 'm n'],
  ]);
  assert.deepEqual(words('a \\\n  b'), ['a b']);
  assert.deepEqual(words('a "never closed'), ['a never closed']);
  assert.deepEqual(shellCommands('x | y')[0]?.pipedInto, ['y']);
});

test('what is no Dockerfile is refused; a rule that does not exist too', () => {
  for (const text of ['', '# only a comment\n', 'a\0b', 'x'.repeat(2 * 1024 * 1024)]) {
    assert.throws(
      () => lintDockerfile(text),
      (error) => isHeraklitError(error, 'LINT_DOCKERFILE_UNREADABLE'),
    );
  }
  assert.throws(
    () => checkRuleNames(['sudoo']),
    (error) => isHeraklitError(error, 'LINT_RULE_UNKNOWN'),
  );
  assert.ok(checkRuleNames(['sudo']).has('sudo'));
});

test('any text is linted or refused, never a crash', () => {
  const line = fc
    .tuple(
      fc.constantFrom('FROM', 'RUN', 'COPY', 'ENV', 'ARG', 'CMD', 'ADD', 'USER', 'WORKDIR', 'x', '#', 'HEALTHCHECK'),
      fc.oneof(fc.string(), fc.constantFrom('--mount=type=cache x', '["sh","-c","a | b"]', '<<EOF', '$X', 'a AS b')),
    )
    .map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        lintDockerfile(lines.join('\n'));
      } catch (error) {
        assert.ok(isHeraklitError(error), String(error));
      }
    }),
  );
});
