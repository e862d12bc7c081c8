import { httpError } from './errors.ts';

/** Characters of one unfinished event. */
const MAX_EVENT = 8 * 1024 * 1024;

export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

function parse(block: string): ServerSentEvent | undefined {
  const fields: Record<string, string> = {};
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0 || line === '') continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    fields[name] = name === 'data' && fields.data !== undefined ? `${fields.data}\n${value}` : value;
  }
  return fields.data === undefined
    ? undefined
    : { id: fields.id ?? '', event: fields.event ?? 'message', data: fields.data };
}

/**
 * Events of a `text/event-stream` body; an unfinished last one is dropped, as the standard says.
 * @throws HTTP_REMOTE_INVALID when one event never ends
 */
export async function* readServerSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT) throw httpError('HTTP_REMOTE_INVALID', 'an event of the stream has no end');
    for (const block of blocks) {
      const event = parse(block);
      if (event !== undefined) yield event;
    }
  }
}
