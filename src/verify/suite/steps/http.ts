import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { CANDIDATE, type HttpStep } from '../../../recipe/index.ts';
import { bad, excerpt, good, patternOf, poll, type StepContext, type Verdict } from '../conduct.ts';

/** Bytes of a body that are read; assertions see no more. */
const BODY_LIMIT = 4 * 1024 * 1024;
/** Milliseconds for one answer. */
const ANSWER = 10_000;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly truncated: boolean;
}

async function bodyOf(message: IncomingMessage): Promise<Omit<Answer, 'status'>> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size <= BODY_LIMIT) continue;
    message.destroy();
    break;
  }
  return { body: Buffer.concat(parts).subarray(0, BODY_LIMIT).toString(), truncated: size > BODY_LIMIT };
}

async function exchange(socket: Duplex, step: HttpStep, port: number, signal: AbortSignal): Promise<Answer> {
  const { path = '/', method = 'GET', headers = {}, body, service = CANDIDATE } = step;
  const content = body === undefined ? undefined : Buffer.from(body);
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({
      createConnection: () => socket as never,
      method,
      path,
      signal,
      timeout: ANSWER,
      headers: {
        host: `${service}:${port}`,
        connection: 'close',
        'user-agent': 'heraklit',
        ...headers,
        ...(content === undefined ? {} : { 'content-length': content.length }),
      },
    });
    sent.once('timeout', () => sent.destroy(new Error(`it does not answer in ${ANSWER} ms`)));
    sent.once('error', reject);
    sent.once('response', resolve);
    sent.end(content);
  });
  return { status: message.statusCode ?? 0, ...(await bodyOf(message)) };
}

/** RFC 6901. Undefined where there is nothing. */
export function atPointer(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, key) => {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
      return (at as Readonly<Record<string, unknown>>)[key];
    }, value);
}

function jsonProblem(body: string, wanted: Readonly<Record<string, unknown>>): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return `its body is no JSON: ${excerpt(body.slice(0, 200))}`;
  }
  for (const [pointer, expected] of Object.entries(wanted)) {
    const found = atPointer(value, pointer);
    if (isDeepStrictEqual(found, expected)) continue;
    return `${pointer || 'the body'} is ${excerpt(JSON.stringify(found) ?? 'absent')}, not ${JSON.stringify(expected)}`;
  }
  return undefined;
}

/** Pure: what is wrong with an answer. */
export function judgeAnswer(answer: Answer, step: HttpStep): Verdict {
  const { status, contains, matches, json } = step;
  const wanted = typeof status === 'number' ? [status] : status;
  const fine = wanted === undefined ? answer.status >= 200 && answer.status < 400 : wanted.includes(answer.status);
  if (!fine) {
    const instead = wanted === undefined ? '' : `, not ${wanted.join(' or ')}`;
    return bad(`it answers ${answer.status}${instead}: ${excerpt(answer.body.slice(0, 200))}`);
  }
  const seen = `${excerpt(answer.body.slice(0, 200))}${answer.truncated ? ' … (too long to be read whole)' : ''}`;
  if (contains !== undefined && !answer.body.includes(contains)) {
    return bad(`its body does not contain ${JSON.stringify(contains)}: ${seen}`);
  }
  if (matches !== undefined && !patternOf(matches).test(answer.body)) {
    return bad(`its body does not match ${matches}: ${seen}`);
  }
  const wrong = json === undefined ? undefined : jsonProblem(answer.body, json);
  return wrong === undefined ? good(`answers ${answer.status}`) : bad(wrong);
}

/** @param port the candidate's first one, where the step names none */
export async function httpStep(context: StepContext, step: HttpStep, port: number | undefined): Promise<Verdict> {
  const asked = step.port ?? port;
  if (asked === undefined) return bad('no port is named, and the image exposes none');
  const repeatable = ['GET', 'HEAD'].includes(step.method ?? 'GET');
  const tries = step.retries === undefined ? (repeatable ? Number.POSITIVE_INFINITY : 1) : step.retries + 1;
  return await poll(context, tries, async () => {
    const socket = await context.world.connect(step.service ?? CANDIDATE, asked, context.signal);
    try {
      return judgeAnswer(await exchange(socket, step, asked, context.signal), step);
    } finally {
      socket.destroy();
    }
  });
}
