import { HTTP_ERRORS, type HttpErrorCode } from './http-errors.ts';

export interface FieldError {
  /** RFC 6901 pointer into the body, or the name of a parameter. */
  readonly pointer: string;
  readonly message: string;
}

export interface ProblemOptions {
  /** What to do about it; the table's `action` when left out. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside the standard ones, such as `paymentId`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** An answer that is no success: thrown anywhere below a route, rendered once (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: HttpErrorCode;
  readonly options: ProblemOptions;

  constructor(code: HttpErrorCode, options: ProblemOptions = {}) {
    super(options.detail ?? HTTP_ERRORS[code].title);
    this.code = code;
    this.options = options;
  }

  get status(): number {
    return HTTP_ERRORS[this.code].status;
  }

  headers(): Record<string, string> {
    const { retryAfterSeconds, headers } = this.options;
    return {
      ...headers,
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    };
  }

  /** The body: `{type, title, status, code, detail, instance?, errors?, traceId?, ...}`. */
  body(traceId?: string): Record<string, unknown> {
    const { title, action, status } = HTTP_ERRORS[this.code];
    return {
      type: `urn:mini-pg:error:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.options.detail ?? action,
      ...(this.options.errors && { errors: this.options.errors }),
      ...(traceId !== undefined && { traceId }),
      ...this.options.extra,
    };
  }
}
