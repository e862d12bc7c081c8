/**
 * `rebase` against building again: children are built from Dockerfiles by real buildah on an old Debian base, rebased,
 * and held file for file against the same Dockerfile built on the new base. What is not the same must be refused.
 * The new base has what a platform team adds besides the updates, so that both sides change the same files.
 * HERAKLIT_TEST_REBASE=all takes every Dockerfile of test/fixtures/rebase-children on a base with the updates alone, which
 * takes half an hour, and prints the table that docs/rebase.md shows; HERAKLIT_TEST_REBASE_WORLD names a folder to keep.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { describeConflict } from '../../src/build/index.ts';
import { CHILDREN, noRebaseWorld, type Outcome, RebaseWorld } from '../support/rebase-world.ts';

const SUITE = process.env.HERAKLIT_TEST_REBASE_SUITE ?? 'bookworm';
const all = process.env.HERAKLIT_TEST_REBASE === 'all';
const skip = noRebaseWorld;
/** Of the Dockerfiles that a build on a changed base treats most differently. */
const REPRESENTATIVE = ['several-steps', 'several-edits'];
const MOST_REBASED = 15;

let world: RebaseWorld;
before(async () => {
  if (skip !== undefined) return;
  world = await RebaseWorld.open(SUITE, { platform: !all, kept: process.env.HERAKLIT_TEST_REBASE_WORLD });
});
after(() => (skip === undefined ? world.close() : undefined));

const inWords = (outcome: Outcome): string =>
  outcome.kind === 'rebased'
    ? outcome.reason
    : `${outcome.report.conflicts.length} reasons: ${outcome.report.conflicts.slice(0, 3).map(describeConflict).join('; ')}`;

for (const name of REPRESENTATIVE) {
  test(`${name}: what building on the new base gives`, {
    skip: skip ?? (all ? 'among all of them' : false),
  }, async (context) => {
    const outcome = await world.compare(name);
    context.diagnostic(inWords(outcome));
    assert.ok(outcome.kind === 'rebased', inWords(outcome));
    assert.deepEqual(outcome.left, [], outcome.left.join('\n'));
  });
}

async function compareAll(context: TestContext): Promise<void> {
  const files = (await readdir(CHILDREN)).filter((file) => file.endsWith('.Dockerfile')).sort();
  const rows: string[] = [];
  const wrong: string[] = [];
  let rebased = 0;
  for (const file of files) {
    const name = file.replace('.Dockerfile', '');
    const outcome = await world.compare(name).catch((error: Error) => error);
    if (outcome instanceof Error) {
      wrong.push(`${name}: ${outcome.message}`);
      context.diagnostic(`| ${name} | failed | ${outcome.message} |`);
      continue;
    }
    if (outcome.kind === 'rebased') rebased += 1;
    if (outcome.kind === 'rebased' && outcome.left.length > 0) wrong.push(`${name}: ${outcome.left.join('\n')}`);
    rows.push(`| ${name} | ${outcome.kind} | ${inWords(outcome)} |`);
    context.diagnostic(rows.at(-1) ?? '');
  }
  assert.deepEqual(wrong, [], wrong.join('\n'));
  assert.ok(rebased >= MOST_REBASED, `only ${rebased} of ${files.length} were rebased`);
}

// Takes an hour; what CI looks at are the representative ones above.
if (all) test('every Dockerfile is rebased to what building on the new base gives, or refused', { skip }, compareAll);

test('a copy of what the base changes is refused, every reason named', { skip }, async () => {
  const outcome = await world.compare('program-of-the-base');
  assert.equal(outcome.kind, 'refused');
  const reasons = outcome.kind === 'refused' ? outcome.report.conflicts.map(describeConflict) : [];
  assert.ok(
    reasons.some((reason) => reason.includes('openssl-kept: it is a copy')),
    reasons.join('\n'),
  );
  assert.ok(
    reasons.some((reason) => reason.includes('/usr/bin/openssl: the child writes it')),
    reasons.join('\n'),
  );
});

test('a program linked against a library that changed is checked; one that is the base’s, edited, is refused', {
  skip,
}, async () => {
  const kept = await world.rebase('program-kept');
  assert.ok('result' in kept, 'report' in kept ? kept.report.conflicts.map(describeConflict).join('\n') : '');
  const { packages, librariesChecked } = kept.result.report;
  const changed = packages.some((one) => one.package === 'libpcre2-8-0');
  assert.equal(librariesChecked.includes('libpcre2-8.so.0'), changed, String(librariesChecked));
  const edited = await world.rebase('program-edited');
  assert.ok('report' in edited);
  const reasons = edited.report.conflicts.map(describeConflict);
  assert.ok(
    reasons.some((reason) => reason.includes("mine: it is the old base's program, edited")),
    reasons.join('\n'),
  );
});

test('an image on another base is no child', { skip }, async () => {
  await assert.rejects(world.rebase('several-edits', 'new'), (error) => isHeraklitError(error, 'REBASE_NOT_A_CHILD'));
});
