import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderExplanation } from './explanation.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

test('the story names what arrived, the way, the other ways, tests, signature and workloads', () => {
  const story = renderExplanation({
    image: 'web',
    reference: 'shop/web:latest',
    builds: [
      {
        run: 'r1',
        at: '2026-11-21T20:00:00.000Z',
        status: 'succeeded',
        reason: 'meta change',
        strategy: 'patch',
        because: 'it misses 1 update (1 security): openssl 3.5.4-1; rebase: its base changes',
        alternatives: [
          { strategy: 'rebase', verdict: 'refused', because: 'libssl lost symbols' },
          { strategy: 'compose', verdict: 'unfit', because: 'it is made from a Dockerfile' },
          { strategy: 'rebuild', verdict: 'excluded', because: 'policy.strategies allows only rebase, patch' },
        ],
        tested: { passed: true, tests: ['starts', 'http'] },
        signed: [{ key: 'e421412603793e1929f3408050004eb5', what: ['signature', 'cyclonedx'] }],
        runs: ['podman:web'],
        digest: digest('b'),
        previous: digest('a'),
        base: { from: digest('c'), to: digest('d') },
        changes: [{ type: 'deb', package: 'openssl', arch: 'amd64', kind: 'upgraded', from: '3.5.1-1', to: '3.5.4-1' }],
        missing: [{ package: 'openssl', installed: '3.5.1-1', candidate: '3.5.4-1' }],
        advisories: ['CVE-2026-1'],
        error: null,
      },
    ],
    next: null,
  });
  assert.equal(
    story,
    `web  shop/web:latest

2026-11-21T20:00:00.000Z  succeeded
  It was looked at because it misses 1 update (1 security): openssl 3.5.4-1 (meta change).
  Repositories offered openssl 3.5.1-1 → 3.5.4-1.
  They fix CVE-2026-1.
  Its base went from sha256:cccccccccccc to sha256:dddddddddddd.
  It was patched with one layer.
  Tried and refused, moving it to the new base: libssl lost symbols.
  Not composing it: it is made from a Dockerfile.
  Not building it anew: policy.strategies allows only rebase, patch (excluded by the fleet file).
  The result is sha256:bbbbbbbbbbbb, after sha256:aaaaaaaaaaaa.
  1 package changed:
    ~ openssl:amd64 3.5.1-1 → 3.5.4-1
  It was tested (starts, http) and passed.
  Key e421412603793e19 signed signature, cyclonedx.
  It runs in podman:web.`,
  );
});
