import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../base/index.ts';
import type { CliContext } from './context.ts';
import { workshopFrom } from './source-options.ts';

const context: CliContext = {
  home: homeAt('/nonexistent'),
  log: silentLog,
  progress: silentProgress,
  colour: false,
  signal: new AbortController().signal,
  print() {},
  settle() {},
  foundOverThreshold() {},
  endWith() {},
};
const isOn = async (imageSources?: boolean): Promise<boolean | undefined> =>
  (await workshopFrom(imageSources === undefined ? {} : { imageSources }, context)).options.imageSources;

test('an image’s own sources are off for commands without the option, with --no-image-sources, and where the machine says so', async (t) => {
  const before = process.env.HERAKLIT_IMAGE_SOURCES;
  t.after(() => {
    if (before === undefined) delete process.env.HERAKLIT_IMAGE_SOURCES;
    else process.env.HERAKLIT_IMAGE_SOURCES = before;
  });
  delete process.env.HERAKLIT_IMAGE_SOURCES;
  assert.deepEqual([await isOn(true), await isOn(false), await isOn()], [true, false, false]);
  process.env.HERAKLIT_IMAGE_SOURCES = 'off';
  assert.equal(await isOn(true), false);
});
