import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { type FleetQueries, httpError, type Rollouts, serveHttp } from '../../src/http/index.ts';
import { memoryEventStream, pushSampleEvents, sampleFleet, sampleQueries } from '../support/sample-fleet.ts';
import { sampleRollouts } from '../support/sample-rollouts.ts';

const CHROMIUM = process.env.HERAKLIT_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Screenshots are kept where this names a folder. */
const SHOTS = process.env.HERAKLIT_SCREENSHOTS;

let built: Promise<string> | undefined;

/** The page built from source into a folder of its own. */
async function builtPage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-web-'));
  await build({
    root: join(import.meta.dirname, '../../web'),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  });
  return folder;
}

after(async () => {
  if (built !== undefined) await rm(await built, { recursive: true, force: true });
});

async function open(context: TestContext, queries: FleetQueries = sampleQueries, rollouts?: Rollouts) {
  if (!existsSync(CHROMIUM)) {
    context.skip('chromium not installed');
    return undefined;
  }
  built ??= builtPage();
  const events = memoryEventStream();
  const { server, url } = await serveHttp(
    { queries, events, web: await built, ...(rollouts === undefined ? {} : { rollouts }) },
    { host: '127.0.0.1', port: 0, accounts: false },
  );
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  context.after(async () => {
    await browser.close();
    await server.close();
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) problems.push(request.url());
  });
  return { page, url, events, problems };
}

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

test('the page shows fleet, plan and events, live, and asks nobody else for anything', async (context) => {
  const opened = await open(context);
  if (opened === undefined) return;
  const { page, url, events, problems } = opened;
  pushSampleEvents(events);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(url);
  await page.getByRole('row', { name: /shop-api/ }).waitFor();
  assert.equal(await page.getByRole('row').count(), sampleFleet.images.length + 1);
  await page.getByText('Live', { exact: true }).waitFor();
  const task = page.locator('.task', { has: page.getByRole('button', { name: 'shop-api' }) });
  await task.getByText('3 other ways').click();
  await task.getByText('comes next: package layers that did not change are shared').waitFor();
  await page.locator('.event').nth(9).waitFor();
  await shoot(page, 'fleet-light');

  events.push('image.rolledout', 'registry.example.org/fleet/shop-web:stable', {});
  await page.getByText('rolled out').waitFor();

  await page.getByRole('searchbox').fill('shop');
  await page.getByRole('row', { name: /billing/ }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('row').count(), 3);
  await page.getByRole('searchbox').fill('zzz');
  await page.getByText('Nothing matches').waitFor();
  await page.getByRole('searchbox').fill('');

  await page
    .getByRole('row', { name: /shop-api/ })
    .getByRole('button')
    .click();
  const panel = page.getByRole('dialog', { name: 'shop-api' });
  await panel.getByText('CVE-2025-9232').waitFor();
  await panel.getByText('packages: openssl').waitFor();
  await panel.getByText('used by the entry point').first().waitFor();
  await panel.getByRole('combobox').selectOption('entrypoint');
  await panel.locator('.finding b', { hasText: 'curl' }).waitFor({ state: 'detached' });
  await panel.locator('.finding b', { hasText: 'libssl3t64' }).waitFor();
  await shoot(page, 'panel-light');
  await panel.getByRole('button', { name: 'runtime-python' }).click();
  await page.getByRole('dialog', { name: 'runtime-python' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(page, 'fleet-dark');
  await page.setViewportSize({ width: 420, height: 900 });
  const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth + 1');
  await shoot(page, 'fleet-phone');
  assert.equal(wide, false, 'the page scrolls sideways on a phone');
  assert.deepEqual(problems, []);
});

test('an empty fleet, and one that cannot be read, say so', async (context) => {
  const grades = { A: 0, B: 0, C: 0, D: 0, E: 0, F: 0 };
  const totals = { images: 0, outdated: 0, findings: 0, security: 0, advisories: 0, packages: 0, workloads: 0, grades };
  let broken = false;
  const opened = await open(context, {
    ...sampleQueries,
    fleet: async () => {
      if (broken)
        throw httpError('HTTP_TOO_MANY_STREAMS', 'the database does not answer', { hint: 'Look at its log.' });
      return { ...sampleFleet, totals, images: [] };
    },
    plan: async () => ({ id: null, createdAt: null, status: 'empty', tasks: [] }),
  });
  if (opened === undefined) return;
  const { page, url, problems } = opened;
  await page.goto(url);
  await page.getByText('No images yet').waitFor();
  await page.getByText('Nothing to do').waitFor();
  await page.getByText('Quiet so far').waitFor();
  await shoot(page, 'empty');
  broken = true;
  await page.goto(url);
  await page.getByText('the database does not answer').waitFor({ timeout: 20_000 });
  await shoot(page, 'error');
  broken = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('No images yet').waitFor();
  assert.deepEqual(problems, []);
});

test('the page of rollouts shows and steers them by keyboard, asks before what cannot be undone, and tells refusals', async (context) => {
  const rollouts = sampleRollouts();
  const opened = await open(context, sampleQueries, rollouts);
  if (opened === undefined) return;
  const { page, url, events, problems } = opened;
  page.setDefaultTimeout(120_000);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${url}/#rollouts`);
  const web = page.getByRole('article', { name: /shop-web/ });
  await web.getByText('step 1 of 3').waitFor();
  await web.getByText('2 of 4 ready').waitFor();
  await web.getByText('2 of 2 approvals: bob (group:release), carol').waitFor();
  await page.getByRole('heading', { name: 'Quarantine' }).waitFor();
  await page.getByText('zone.violation').waitFor();
  assert.equal(await page.getByRole('article').count(), 2, 'what ended is behind a button');
  await web.getByText('History').click();
  await web.getByText('by alice').waitFor();
  await shoot(page, 'rollouts-light');

  // All of it by keyboard: reached, pressed, and the dialog is left by Escape.
  await web.getByRole('button', { name: 'Pause' }).focus();
  await page.keyboard.press('Enter');
  await web.getByText('paused by somebody').waitFor();
  await web.getByRole('button', { name: 'Abort', disabled: false }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: /Abort rollout 7/ });
  await dialog.waitFor();
  await shoot(page, 'rollouts-confirm');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(rollouts.said, ['pause 7 anonymous {}'], 'nothing is done that was not confirmed');
  await web.getByRole('button', { name: 'Abort' }).click();
  await dialog.getByLabel('Reason, kept in the history').fill('too slow');
  await dialog.getByRole('button', { name: 'Abort' }).click();
  await web.getByText('aborting').first().waitFor();
  assert.deepEqual(rollouts.said.slice(1), ['abort 7 anonymous {"reason":"too slow"}']);
  await page
    .getByRole('article', { name: /shop-api/ })
    .getByRole('button', { name: 'Approve' })
    .click();
  await page.getByRole('alert').getByText('may not approve rollout 6').waitFor();

  // Live by the event stream: no button, no reload.
  rollouts.all = rollouts.all.filter(({ id }) => id !== 7);
  events.push('rollout.changed', 'shop-web', {});
  await web.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Ended, too' }).click();
  await page
    .getByRole('article', { name: /billing/ })
    .getByText('rolled back')
    .first()
    .waitFor();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 420, height: 900 });
  await shoot(page, 'rollouts-phone');
  const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth + 1');
  assert.equal(wide, false, 'the page scrolls sideways on a phone');

  rollouts.all = [];
  events.push('rollout.changed', 'shop-web', {});
  await page.getByText('Nothing was rolled out yet').waitFor();
  rollouts.broken = true;
  await page.goto('about:blank');
  await page.goto(`${url}/#rollouts`);
  await page.getByText('the database does not answer').waitFor();
  assert.deepEqual(problems, []);
});
