import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, FleetImage } from '../http/index.ts';
import { outdatedOnServer } from './outdated-on-server.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const image = (name: string, more: Partial<FleetImage> = {}): FleetImage => ({
  name,
  reference: `registry.example/team/${name}:1`,
  digest: DIGEST,
  distribution: 'debian/trixie',
  base: null,
  level: 0,
  packages: 1,
  bytes: 1,
  findings: { total: 0, security: 0, advisories: 0 },
  grade: 'A',
  unsupported: null,
  strategy: null,
  status: 'released',
  builtAt: null,
  workloads: 0,
  ...more,
});
const finding: Finding = {
  package: 'openssl',
  arch: 'amd64',
  installed: '1',
  candidate: '2',
  repository: 'debian/trixie-security/main/amd64',
  security: true,
  severity: 'important',
  advisories: ['CVE-2026-1'],
  since: '2026-01-01T00:00:00.000Z',
};
const server = {
  fleet: async () => ({
    generatedAt: '',
    totals: {} as never,
    images: [
      image('good'),
      image('web', { grade: 'D' }),
      image('odd', { unsupported: 'no package database', grade: null }),
      image('new', { unsupported: 'not checked yet', grade: null }),
      image('planned', { digest: null, unsupported: 'not built yet', grade: null }),
    ],
  }),
  outdated: async () => ({
    images: [
      {
        reference: 'registry.example/team/web:1',
        digest: DIGEST,
        distribution: 'debian/trixie',
        unsupported: null,
        findings: [finding],
      },
    ],
    next: null,
  }),
};

test('what is outdated, and what nothing is known about, as the server tells it', async () => {
  const images = await outdatedOnServer(server, {});
  assert.deepEqual(
    images.map((one) => [one.reference.split('/').at(-1), one.status, one.grade, one.findings.length]),
    [
      ['web:1', 'checked', 'D', 1],
      ['odd:1', 'unsupported', undefined, 0],
      ['new:1', 'unchecked', undefined, 0],
    ],
  );
});

test('a glob matches whole references; its other characters mean themselves', async () => {
  const names = async (glob: string) => (await outdatedOnServer(server, { image: glob })).map((one) => one.reference);
  assert.deepEqual(await names('registry.example/*/w?b:1'), ['registry.example/team/web:1']);
  assert.deepEqual(await names('registry?example/team/(web|odd):1'), []);
  assert.deepEqual(await names('registryXexample/team/web:1'), []);
});
