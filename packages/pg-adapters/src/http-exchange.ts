import { failpoint } from '@mini-pg/runtime';
import type { Dispatcher } from 'undici';

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly connectMs: number;
  readonly readMs: number;
  readonly maySend: (() => boolean) | undefined;
}

/** How an HTTP call ended, told by what is certain of the bytes and nothing else. */
export type Exchange = ExchangeEnd & { readonly latencyMs: number };

export type ExchangeEnd =
  /** Surely no byte of the request left. */
  | {
      readonly kind: 'NOT_SENT';
      readonly reason: 'UNREACHABLE' | 'WITHHELD' | 'UNSENDABLE';
      readonly message: string;
    }
  /** Bytes may have left; no byte of an answer was read. */
  | { readonly kind: 'NO_ANSWER'; readonly message: string }
  /** An answer began and did not end as it should. */
  | {
      readonly kind: 'BROKEN';
      readonly httpStatus: number | null;
      readonly headers: AnswerHeaders;
      readonly message: string;
    }
  | {
      readonly kind: 'ANSWER';
      readonly httpStatus: number;
      readonly headers: AnswerHeaders;
      readonly body: string;
    };

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

interface ExchangeHooks {
  /** The call left the queue: it is being written, or it never will be. */
  readonly onTaken: () => void;
  readonly onEnd: (exchange: Exchange) => void;
}

/**
 * One HTTP call as undici drives it. undici calls `onRequestStart` synchronously right before it
 * writes the first byte and skips the request when that throws, which gives the one certain border
 * between NOT_SENT and everything else. Whether a byte of an answer came is read off the socket,
 * since a cut in the middle of the headers reaches no other hook.
 */
export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #call: HttpCall;
  readonly #hooks: ExchangeHooks;
  readonly #startedAt = performance.now();
  readonly #chunks: Buffer[] = [];
  #timer: NodeJS.Timeout;
  #state: 'QUEUED' | 'WRITTEN' | 'ENDED' = 'QUEUED';
  #taken = false;
  #bytesRead: () => number = () => 0;
  #bytesReadBefore = 0;
  #httpStatus: number | null = null;
  #headers: AnswerHeaders = {};

  constructor(call: HttpCall, hooks: ExchangeHooks) {
    this.#call = call;
    this.#hooks = hooks;
    this.#timer = setTimeout(() => {
      this.#notSent('UNREACHABLE', `no connection within ${call.connectMs} ms`);
    }, call.connectMs);
  }

  /** Told before the start which connection it is: a function that counts the bytes read on it. */
  watch(bytesRead: () => number): void {
    this.#bytesRead = bytesRead;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#take();
    if (this.#state === 'ENDED') throw new NotWanted('the call is over');
    if (this.#state === 'WRITTEN') throw new NotWanted('a call is never written twice');
    if (!this.#maySend()) {
      this.#notSent('WITHHELD', 'the caller may not send any more');
      throw new NotWanted('the caller may not send any more');
    }
    clearTimeout(this.#timer);
    this.#state = 'WRITTEN';
    this.#bytesReadBefore = this.#bytesRead();
    this.#timer = setTimeout(() => {
      const message = `no whole answer within ${this.#call.readMs} ms`;
      this.#cut(message);
      controller.abort(new NotWanted(message));
    }, this.#call.readMs);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: AnswerHeaders,
  ): void {
    this.#httpStatus = statusCode;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    failpoint('pg-processor.http.answered');
    const httpStatus = this.#httpStatus;
    if (httpStatus === null) {
      this.#cut('the answer has no status');
      return;
    }
    const body = Buffer.concat(this.#chunks).toString('utf8');
    this.#end({ kind: 'ANSWER', httpStatus, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#take();
    const message = describe(error);
    if (this.#state === 'WRITTEN') {
      this.#cut(message);
      return;
    }
    const unsendable = 'code' in error && error.code === 'UND_ERR_INVALID_ARG';
    this.#notSent(unsendable ? 'UNSENDABLE' : 'UNREACHABLE', message);
  }

  #maySend(): boolean {
    try {
      return this.#call.maySend?.() ?? true;
    } catch {
      return false;
    }
  }

  #take(): void {
    if (this.#taken) return;
    this.#taken = true;
    this.#hooks.onTaken();
  }

  #notSent(reason: 'UNREACHABLE' | 'WITHHELD' | 'UNSENDABLE', message: string): void {
    this.#end({ kind: 'NOT_SENT', reason, message });
  }

  /** Bytes may have left and no whole answer came. */
  #cut(message: string): void {
    const httpStatus = this.#httpStatus;
    const answered = httpStatus !== null || this.#bytesRead() > this.#bytesReadBefore;
    this.#end(
      answered
        ? { kind: 'BROKEN', httpStatus, headers: this.#headers, message }
        : { kind: 'NO_ANSWER', message },
    );
  }

  #end(end: ExchangeEnd): void {
    if (this.#state === 'ENDED') return;
    this.#state = 'ENDED';
    clearTimeout(this.#timer);
    const latencyMs = Math.round(performance.now() - this.#startedAt);
    this.#hooks.onEnd({ ...end, latencyMs });
  }
}

/** Tells undici to drop a request; never reaches a caller. */
class NotWanted extends Error {}

function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message}`.slice(0, MESSAGE_LENGTH_MAX);
}

const MESSAGE_LENGTH_MAX = 300;
