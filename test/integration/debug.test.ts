/** Debug containers on a real podman, beside an image that holds one program and no shell. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../src/base/index.ts';
import {
  createEngineRuntime,
  type DebugRequest,
  type DebugStreams,
  type EngineRuntime,
  type TerminalSize,
} from '../../src/runtime/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';
import { type PodmanScratch, podmanScratch } from './engine-images.ts';

/** Busybox under the one name that its program is started by: no shell, no tools. */
const LONELY = ['/bin/busybox', 'httpd', '-f', '-p', '127.0.0.1:8099', '-h', '/www'];

type Rest = [request: DebugRequest, streams: DebugStreams, signal?: AbortSignal];

function reader() {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (part) => {
    text += part;
  });
  const has = async (words: RegExp): Promise<string> => {
    const until = Date.now() + 30_000;
    while (!words.test(text)) {
      if (Date.now() > until) throw new Error(`${words} is not in ${JSON.stringify(text)}`);
      await sleep(20);
    }
    return text;
  };
  return { stream, text: () => text, has };
}

describe('debug containers on podman', () => {
  let scratch: PodmanScratch;
  let skip: string | undefined;
  let runtime: EngineRuntime;
  let tools: ImageUnderTest;
  before(async () => {
    const made = await podmanScratch();
    if ('skip' in made) {
      skip = made.skip;
      return;
    }
    scratch = made;
    const lonely = await scratch.image('lonely', 'from the inside', LONELY);
    tools = await scratch.image('tools', 'tools', ['/bin/busybox', 'sh'], ['ENTRYPOINT ["/bin/busybox","false"]']);
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'none'];
    await scratch.podman('run', '--detach', '--name', 'lonely', '--user', '65534', ...limits, lonely.image);
    runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments });
  });
  after(async () => {
    await runtime?.close();
    await scratch?.close();
  });

  const integration = (name: string, body: (context: TestContext) => Promise<void>): void => {
    test(name, { timeout: 240_000 }, async (context) => {
      if (skip === undefined) await body(context);
      else context.skip(skip);
    });
  };
  const request = (script: string, more: Partial<DebugRequest> = {}): DebugRequest => ({
    image: tools.image,
    command: ['/bin/busybox', 'sh', '-c', script],
    tty: false,
    ...more,
  });
  const debug = async (name: string, ...rest: Rest): Promise<number> => {
    const [workload] = await runtime.list();
    assert.ok(workload !== undefined && runtime.debug !== undefined);
    return await runtime.debug({ ...workload, name }, ...rest);
  };
  const names = async (): Promise<string> => (await scratch.podman('ps', '--all', '--format', '{{.Names}}')).trim();

  integration('sees processes, ports and files of the other one; outputs apart, exit code passed on', async () => {
    const [stdout, stderr] = [reader(), reader()];
    const script = [
      'PATH=/bin; b=/bin/busybox',
      '$b cat /proc/1/root/www/index.html; echo',
      '$b wget -q -O - http://127.0.0.1:8099/index.html; echo',
      '$b ps | $b grep -c "[h]ttpd -f"',
      '$b cat >&2; exit 7',
    ].join('; ');
    const stdin = new PassThrough();
    stdin.end('said on standard input');
    const streams = { stdin, stdout: stdout.stream, stderr: stderr.stream };
    assert.equal(await debug('lonely', request(script), streams), 7);
    assert.equal(stdout.text(), 'from the inside\nfrom the inside\n1\n');
    assert.equal(stderr.text(), 'said on standard input');
    assert.equal(await names(), 'lonely');
    assert.deepEqual(
      (await runtime.list()).map(({ name }) => name),
      ['lonely'],
    );
  });

  integration('a terminal is one, has the size it is told, and ends by what is typed', async () => {
    const output = reader();
    const stdin = new PassThrough();
    let resize = (_size: TerminalSize): void => {};
    const ended = debug('lonely', request('exec /bin/busybox sh -i', { tty: true }), {
      stdin,
      stdout: output.stream,
      stderr: output.stream,
      sizes: (take) => {
        resize = take;
        take({ columns: 101, rows: 33 });
        return () => {};
      },
    });
    const until = (size: string, say: string): string =>
      `/bin/busybox tty; until [ "$(/bin/busybox stty size)" = "${size}" ]; do /bin/busybox sleep 0.1; done; echo ${say}\n`;
    stdin.write(until('33 101', 'fi""rst'));
    await output.has(/\/dev\/pts\/\d+\r\n(?:.|\s)*first/);
    resize({ columns: 55, rows: 11 });
    stdin.write(until('11 55', 'sec""ond'));
    await output.has(/second/);
    stdin.write('exit 5\n');
    assert.equal(await ended, 5);
    assert.equal(await names(), 'lonely');
  });

  integration('ends with its signal; after SIGKILL the next one clears up; what does not run is told', async () => {
    const controller = new AbortController();
    const output = reader();
    const streams = { stdin: undefined, stdout: output.stream, stderr: output.stream };
    const aborted = debug('lonely', request('echo up; /bin/busybox sleep 600'), streams, controller.signal);
    await output.has(/up/);
    controller.abort(new Error('by hand'));
    await assert.rejects(aborted, /by hand/);
    assert.equal(await names(), 'lonely');
    const script = `
      import { createEngineRuntime } from './src/runtime/index.ts';
      const [options, request] = process.argv.slice(1).map((text) => JSON.parse(text));
      const { stdout, stderr } = process;
      const runtime = createEngineRuntime(options);
      const [workload] = await runtime.list();
      await runtime.debug(workload, request, { stdin: undefined, stdout, stderr });`;
    const options = { command: 'podman', engineArguments: scratch.arguments };
    const given = [options, request('echo up; /bin/busybox sleep 600')].map((value) => JSON.stringify(value));
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script, ...given], {
      cwd: `${import.meta.dirname}/../..`,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.match(await names(), /lonely\.debug-/);
    assert.equal(await runtime.reap(), 1);
    assert.equal(await names(), 'lonely');
    await assert.rejects(debug('nobody', request('true'), streams), (error) =>
      isHeraklitError(error, 'ENGINE_HOST_WORKLOAD_MISSING'),
    );
    await assert.rejects(debug('lonely', request('true', { command: ['/bin/none'] }), streams), (error) =>
      isHeraklitError(error, 'ENGINE_HOST_REFUSED'),
    );
    assert.equal(await names(), 'lonely');
  });
});
