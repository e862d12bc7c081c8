import type { Progress } from '../base/index.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REDRAW_MILLISECONDS = 80;

/** One line on stderr, redrawn in place; nothing at all when stderr is no terminal, so that logs stay clean. */
export interface ProgressLine extends Progress {
  clear(): void;
}

export function createProgressLine(stream: NodeJS.WriteStream, quiet: boolean): ProgressLine {
  if (!stream.isTTY || quiet) return { update() {}, clear() {} };
  let drawn = false;
  let last = 0;
  let frame = 0;
  return {
    update(step, done, total, note = '') {
      const now = Date.now();
      const finished = total > 0 && done >= total;
      if (now - last < REDRAW_MILLISECONDS && !finished) return;
      last = now;
      frame = (frame + 1) % FRAMES.length;
      const count = total > 0 ? ` ${done}/${total}` : done > 0 ? ` ${done}` : '';
      const text = `${FRAMES[frame]} ${step}${count}${note === '' ? '' : `  ${note}`}`;
      stream.write(`\r\u001b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      drawn = true;
    },
    clear() {
      if (drawn) stream.write('\r\u001b[2K');
      drawn = false;
    },
  };
}
