import { Transform, type TransformCallback, type Writable } from 'node:stream';

const HEAD = 8;

/**
 * Takes apart what an engine sends of a container without a terminal: frames of type, three zeros, length (4 bytes,
 * big-endian), bytes. Type 2 is standard error, everything else standard output.
 */
export function demultiplexer(stdout: Writable, stderr: Writable): Transform {
  let held: Buffer = Buffer.alloc(0);
  let left = 0;
  let to = stdout;
  return new Transform({
    transform(part: Buffer, _encoding, done: TransformCallback) {
      held = held.length === 0 ? part : Buffer.concat([held, part]);
      while (held.length > 0) {
        if (left === 0) {
          if (held.length < HEAD) break;
          to = held[0] === 2 ? stderr : stdout;
          left = held.readUInt32BE(4);
          held = held.subarray(HEAD);
          continue;
        }
        const bytes = held.subarray(0, left);
        to.write(bytes);
        left -= bytes.length;
        held = held.subarray(bytes.length);
      }
      done();
    },
  });
}
