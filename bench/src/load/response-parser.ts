/** What the generator looks at of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly isReplay: boolean;
  /** Whether it says when to repeat. */
  readonly isRepeatable: boolean;
}

const HEAD_END = '\r\n\r\n';
const STATUS_AT = 9;
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)\r\n/i;
const RETRY_AFTER = /\r\nretry-after: *\d+\r\n/i;
const REPLAYED = /\r\nidempotent-replayed: *true\r\n/i;
export const UNAVAILABLE = 503;
const WITHOUT_BODY: readonly number[] = [204, 304];
const NOTHING = Buffer.alloc(0);

/**
 * Finds the answers in the bytes of one HTTP/1.1 connection, in whatever pieces they come. It knows
 * what the measured servers send and no more: a status line, headers, and a body of a stated length.
 */
export class ResponseParser {
  readonly #onResponse: (head: ResponseHead) => void;
  #unfinished = NOTHING;
  #head: ResponseHead | undefined;
  #bodyLeft = 0;

  constructor(onResponse: (head: ResponseHead) => void) {
    this.#onResponse = onResponse;
  }

  /** @param chunk may be reused by the caller afterwards */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#head === undefined ? this.#readHead(chunk, at) : this.#skipBody(chunk, at);
      if (this.#head !== undefined && this.#bodyLeft === 0) this.#finish(this.#head);
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    const held = this.#unfinished.length;
    const bytes = held === 0 ? chunk.subarray(from) : Buffer.concat([this.#unfinished, chunk]);
    const end = bytes.indexOf(HEAD_END, 0, 'latin1');
    if (end < 0) {
      this.#unfinished = Buffer.from(bytes);
      return chunk.length;
    }
    this.#unfinished = NOTHING;
    const head = bytes.toString('latin1', 0, end + 2);
    const status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
    this.#head = {
      status,
      isReplay: REPLAYED.test(head),
      isRepeatable: status === UNAVAILABLE && RETRY_AFTER.test(head),
    };
    this.#bodyLeft = bodyLength(head, status);
    return from + end + HEAD_END.length - held;
  }

  #skipBody(chunk: Buffer, from: number): number {
    const skipped = Math.min(this.#bodyLeft, chunk.length - from);
    this.#bodyLeft -= skipped;
    return from + skipped;
  }

  #finish(head: ResponseHead): void {
    this.#head = undefined;
    this.#onResponse(head);
  }
}

function bodyLength(head: string, status: number): number {
  const length = CONTENT_LENGTH.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (WITHOUT_BODY.includes(status)) return 0;
  throw new Error(`An answer without a content-length cannot be read:\n${head}`);
}
