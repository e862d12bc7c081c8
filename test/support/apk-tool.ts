import { spawnSync } from 'node:child_process';

const candidate = process.env.HERAKLIT_TEST_APK ?? 'apk';

/** The real apk, where the machine has one; its recorded answers (test/fixtures/apk) are what everybody else has. */
export const apkTool: string | undefined =
  spawnSync(candidate, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('apk-tools') === true
    ? candidate
    : undefined;
