import type { EventSink, HeraklitEvent } from '../envelope.ts';

const CONTROL = /\p{Cc}/gu;

/**
 * One line per event for people: time, what, subject, reason. Subjects and reasons come from image labels and
 * package indexes, so control characters are shown, never sent to the terminal.
 */
export function eventLine(event: HeraklitEvent): string {
  const what = event.type.replace(/^io\.heraklit\./, '');
  const { reason } = event.data as { reason?: unknown };
  const why = typeof reason === 'string' && reason !== '' ? `  ${reason}` : '';
  const line = `${event.time.slice(11, 19)} ${what.padEnd(20)} ${event.subject}${why}`;
  return line.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** @param write takes one line with its line feed */
export function terminalSink(write: (line: string) => void): EventSink {
  return {
    name: 'terminal',
    ephemeral: true,
    async deliver(events) {
      for (const event of events) write(`${eventLine(event)}\n`);
    },
    async close() {},
  };
}
