import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Digest } from '../../src/oci/index.ts';
import type { RolloutRequest, Workload, WorkloadRuntime } from '../../src/runtime/index.ts';

export interface ImageUnderTest {
  /** `host/repo@digest`, as the runtime can pull it. */
  readonly image: string;
  readonly digest: Digest;
}

/** One workload with two copies on `first`, and a runtime that sees it. */
export interface RuntimeFixture {
  readonly runtime: WorkloadRuntime;
  readonly workload: string;
  readonly first: ImageUnderTest;
  readonly second: ImageUnderTest;
  /** Starts and never becomes healthy, or ends. */
  readonly broken: ImageUnderTest;
  /** A digest nobody has. */
  readonly missing: ImageUnderTest;
  readonly deadline: number;
  /** Milliseconds until a bad image shows itself; 3000 when undefined. */
  readonly failing?: number;
  /** Extra request members, for example the health check. */
  readonly request?: Partial<RolloutRequest>;
  close(): Promise<void>;
}

/** What every runtime promises; `setup` says why it cannot run on this machine instead of a fixture. */
export function workloadRuntimeContract(
  title: string,
  setup: () => Promise<RuntimeFixture | { readonly skip: string }>,
): void {
  describe(`${title}: workload runtime`, () => {
    let fixture: RuntimeFixture;
    let skip: string | undefined;
    before(async () => {
      const made = await setup();
      if ('skip' in made) skip = made.skip;
      else fixture = made;
    });
    after(async () => await fixture?.close());

    const contract = (name: string, body: () => Promise<void>): void => {
      test(name, { timeout: 120_000 }, async (context) => {
        if (skip === undefined) await body();
        else context.skip(skip);
      });
    };
    const found = async (): Promise<Workload> => {
      const workload = (await fixture.runtime.list()).find(({ name }) => name === fixture.workload);
      assert.ok(workload, `${fixture.workload} is listed`);
      return workload;
    };
    const request = async (to: ImageUnderTest): Promise<RolloutRequest> => ({
      workload: await found(),
      ...to,
      deadline: fixture.deadline,
      ...fixture.request,
    });

    contract('it is usable', async () => {
      assert.equal(await fixture.runtime.unavailable(), undefined);
    });

    contract('it lists the workload with its image, digest and copies', async () => {
      const workload = await found();
      assert.equal(workload.digest, fixture.first.digest);
      assert.equal(workload.replicas, 2);
      assert.equal(workload.containers.length, 1);
      assert.ok(workload.id.startsWith(`${fixture.runtime.name}:`), workload.id);
    });

    contract('rolling out what runs changes nothing', async () => {
      const outcome = await fixture.runtime.rollout(await request(fixture.first));
      assert.equal(outcome.kind, 'unchanged');
    });

    contract('a healthy image is rolled out, and again is unchanged', async () => {
      const steps: string[] = [];
      const outcome = await fixture.runtime.rollout({
        ...(await request(fixture.second)),
        progress: { update: (_step, done, total) => steps.push(`${done}/${total}`) },
      });
      assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
      assert.ok('from' in outcome && outcome.from.includes(fixture.first.digest), JSON.stringify(outcome));
      assert.equal(steps.at(-1), '2/2');
      assert.equal((await found()).digest, fixture.second.digest);
      assert.equal((await fixture.runtime.rollout(await request(fixture.second))).kind, 'unchanged');
    });

    contract('an unhealthy image is rolled back and blamed; the old one runs', async () => {
      const outcome = await fixture.runtime.rollout({
        ...(await request(fixture.broken)),
        deadline: fixture.failing ?? 3000,
      });
      assert.equal(outcome.kind, 'rolledback', JSON.stringify(outcome));
      assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'image', JSON.stringify(outcome));
      assert.notEqual(outcome.reason, '');
      assert.equal((await found()).digest, fixture.second.digest);
      assert.equal((await found()).replicas, 2);
    });

    contract('an image that cannot be pulled is never blamed on the image', async () => {
      const asked = { ...(await request(fixture.missing)), deadline: fixture.failing ?? 3000 };
      const outcome = await fixture.runtime.rollout(asked).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) {
        const { kind, blame } = outcome as { kind: string; blame?: string };
        assert.deepEqual({ kind, blame }, { kind: 'rolledback', blame: 'environment' });
      }
      assert.equal((await found()).digest, fixture.second.digest);
    });

    contract('after a rollback the next good image is rolled out', async () => {
      const outcome = await fixture.runtime.rollout(await request(fixture.first));
      assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
      assert.equal((await found()).digest, fixture.first.digest);
    });
  });
}
