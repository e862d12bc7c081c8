/** Takes the rest of a file, chunk by chunk, with its offset. */
export type Follower = (chunk: Buffer, at: number) => void;

/** Gathers the first bytes of a file that passes, shows them, and gives them and all that follows to whoever is chosen. */
export class HeadFirst {
  readonly #wanted: number;
  readonly #choose: (head: Buffer) => Follower | undefined;
  #head: Buffer | undefined;
  #follower: Follower | undefined;
  #isChosen = false;
  #at = 0;

  /** @param wanted bytes of the head; a shorter file is shown whole */
  constructor(wanted: number, choose: (head: Buffer) => Follower | undefined) {
    this.#wanted = wanted;
    this.#choose = choose;
  }

  write(chunk: Buffer): void {
    if (this.#isChosen) {
      this.#follower?.(chunk, this.#at);
      this.#at += chunk.length;
      return;
    }
    const sofar = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    if (sofar.length < this.#wanted) this.#head = Buffer.from(sofar);
    else this.#begin(sofar);
  }

  /** Bytes that passed. */
  end(): number {
    if (!this.#isChosen) this.#begin(this.#head ?? Buffer.alloc(0));
    return this.#at;
  }

  #begin(bytes: Buffer): void {
    this.#isChosen = true;
    this.#head = undefined;
    this.#follower = this.#choose(bytes);
    this.#follower?.(bytes, 0);
    this.#at = bytes.length;
  }
}
