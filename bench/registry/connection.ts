import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly location: string;
}

/**
 * One keep-alive connection that sends a request and waits for its whole answer. It understands just what the two
 * registries answer to pushes (Content-Length, no chunks), so that the load costs little beside the servers.
 */
export class Connection {
  readonly #host: string;
  readonly #socket: Socket;
  #buffered = Buffer.alloc(0);
  #waiting: ((error: Error | undefined) => void) | undefined;

  constructor(host: string, port: number) {
    this.#host = `${host}:${port}`;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk) => {
      this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
      this.#waiting?.(undefined);
    });
    const failed = (error?: Error): void => this.#waiting?.(error ?? new Error('the server closed the connection'));
    this.#socket.on('error', failed);
    this.#socket.on('close', () => failed());
  }

  async request(method: string, target: string, body?: Buffer, type = 'application/octet-stream'): Promise<Answer> {
    const path = target.replace(/^https?:\/\/[^/]+/, '');
    const length = method === 'HEAD' || method === 'GET' ? '' : `Content-Length: ${body?.length ?? 0}\r\n`;
    const content = body === undefined ? '' : `Content-Type: ${type}\r\n`;
    const head = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${length}${content}\r\n`);
    this.#socket.write(body === undefined ? head : Buffer.concat([head, body]));
    let end = this.#buffered.indexOf('\r\n\r\n');
    while (end < 0) {
      await this.#more();
      end = this.#buffered.indexOf('\r\n\r\n');
    }
    const text = this.#buffered.toString('latin1', 0, end);
    const size = method === 'HEAD' ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    while (this.#buffered.length < end + 4 + size) await this.#more();
    const status = Number(text.slice(9, 12));
    const explanation = this.#buffered.toString('latin1', end + 4, end + 4 + Math.min(size, 500));
    this.#buffered = this.#buffered.subarray(end + 4 + size);
    if (status >= 400 && status !== 404) throw new Error(`${method} ${path}: ${status} ${explanation}`);
    return { status, location: /\r\nlocation: *([^\r]+)/i.exec(text)?.[1] ?? '' };
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = (error) => {
        this.#waiting = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }
}
