/** A child process that sends requests of every kind to the port it is told, until its parent says stop. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';

/** What became of all that was sent. */
export interface LoadReport {
  readonly seconds: number;
  /** Answered in full, by kind. */
  readonly answered: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
  /** Of the failures: connections that were reset or closed before an answer. */
  readonly reset: number;
  /** WebSockets ended by a close frame, and those without one. */
  readonly sockets: {
    readonly opened: number;
    readonly messages: number;
    readonly closed: number;
    readonly dropped: number;
  };
  /** Milliseconds of the quick requests. */
  readonly latency: { readonly median: number; readonly p99: number; readonly worst: number };
  /** Answers of each version. */
  readonly versions: Readonly<Record<string, number>>;
}

const [port = 0, rate = 500] = process.argv.slice(2).map(Number);
const kept = new Agent({ keepAlive: true, maxSockets: 32 });
const answered: Record<string, number> = {};
const versions: Record<string, number> = {};
const failures: string[] = [];
const latencies: number[] = [];
let reset = 0;
const flying = new Set<Promise<void>>();

function failed(kind: string, error: NodeJS.ErrnoException): void {
  failures.push(`${kind}: ${error.code ?? error.message}`);
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || /hang up|aborted|closed/.test(error.message)) reset += 1;
}

async function ask(kind: string, path: string, agent: Agent | false, body?: string): Promise<void> {
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      agent,
      method: body === undefined ? 'GET' : 'POST',
      timeout: 30_000,
    });
    sent.once('timeout', () => sent.destroy(new Error('timed out')));
    sent.once('error', (error) => {
      failed(kind, error);
      resolve();
    });
    sent.once('response', (message) => {
      let text = '';
      message.on('data', (part) => {
        text += part;
      });
      message.once('error', (error) => {
        failed(kind, error);
        resolve();
      });
      message.once('end', () => {
        const whole = kind === 'slow' ? text.length === 1000 : body === undefined || text === body;
        if (message.statusCode !== 200 || !whole)
          failures.push(`${kind}: status ${message.statusCode}, ${text.length} bytes`);
        answered[kind] = (answered[kind] ?? 0) + 1;
        if (kind === 'kept' || kind === 'new') {
          latencies.push(performance.now() - began);
          versions[text] = (versions[text] ?? 0) + 1;
        }
        resolve();
      });
    });
    sent.end(body);
  });
}

/** Four requests on one connection, sent at once. */
async function pipelined(): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answers = 0;
    socket.setTimeout(30_000, () => socket.destroy(new Error('timed out')));
    socket.once('error', (error) => failed('pipelined', error));
    socket.once('close', () => {
      if (answers === 4) answered.pipelined = (answered.pipelined ?? 0) + 4;
      else failures.push(`pipelined: ${answers} of 4 answers`);
      resolve();
    });
    socket.on('data', (part) => {
      answers += String(part).split('HTTP/1.1 200').length - 1;
      if (answers >= 4) socket.end();
    });
    socket.write('GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4));
  });
}

const sockets = { opened: 0, messages: 0, closed: 0, dropped: 0 };
let stopping = false;

/** A WebSocket that is opened again whenever its server says goodbye. */
function chat(): () => void {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
  let close = (): void => socket.close(1000);
  const timer = setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) socket.send('hello');
  }, 100);
  socket.addEventListener('open', () => {
    sockets.opened += 1;
  });
  socket.addEventListener('message', () => {
    sockets.messages += 1;
  });
  socket.addEventListener('close', ({ code, wasClean }) => {
    clearInterval(timer);
    if (stopping) return;
    if (code === 1001 && wasClean) sockets.closed += 1;
    else sockets.dropped += 1;
    close = chat();
  });
  return () => close();
}

const began = performance.now();
const ends = Array.from({ length: 10 }, chat);
let sent = 0;
const send = (work: Promise<void>): void => {
  const one = work.finally(() => flying.delete(one));
  flying.add(one);
};
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - began) / 1000) * rate);
  while (sent < due) {
    sent += 1;
    if (sent % 100 === 0) send(ask('slow', '/slow', false));
    else if (sent % 50 === 1) send(pipelined());
    else if (sent % 10 === 3) send(ask('post', '/echo', kept, `order ${sent}`));
    else send(ask(sent % 2 === 0 ? 'kept' : 'new', '/index.html', sent % 2 === 0 ? kept : false));
  }
}, 5);

process.once('message', async () => {
  stopping = true;
  clearInterval(timer);
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(flying);
  for (const end of ends) end();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const latency = { median: at(0.5), p99: at(0.99), worst: at(1) };
  const report: LoadReport = { seconds, answered, failures, reset, sockets, latency, versions };
  process.send?.(report, () => process.exit(0));
});
