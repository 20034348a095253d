import { isPostgresUrl } from '@mini-pg/runtime';
import { errorCode } from './errors.ts';

/** Nothing can be done on a database; the message says why and what to change, in one line. */
export class CannotConnectError extends Error {
  override readonly name = 'CannotConnectError';
}

/** Where a URL comes from and what it is, so that a message can name both. */
export interface DatabaseTarget {
  readonly url: string;
  /** The variable or option that holds the URL: `DATABASE_URL`. */
  readonly setting: string;
}

const DEFAULT_PORT = '5432';
const DOES_NOT_ANSWER = 'check the host and port of';

/** What the server refuses a connection or a first statement for, by SQLSTATE. */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'check user and password of',
  '28000': 'give a role that may log in by',
  '3D000': 'make the database, or name another one by',
  '3F000': 'make the schema of the service in the database of',
  '42501': 'the role lacks a right: check the user of',
  '53300': 'raise max_connections of the server of',
  '57P03': 'wait until it takes connections, or check the host and port of',
};

const NO_ANSWER_CODES = /^(E[A-Z_]+|08\w{3})$/;
const NO_ANSWER_MESSAGES = [/timeout/i, /Connection terminated/];

/** @throws CannotConnectError when the text is no URL of Postgres. */
export function checkDatabaseUrl({ url, setting }: DatabaseTarget): void {
  if (isPostgresUrl(url)) return;
  throw new CannotConnectError(
    `${setting} is no URL of Postgres: give postgres://user:password@host:port/database, ` +
      'with special characters of the password percent-encoded',
  );
}

/**
 * Runs the first work on a database and puts into words what keeps it from connecting. Other
 * errors are passed on as they are.
 *
 * @throws CannotConnectError
 */
export async function connecting<T>(target: DatabaseTarget, work: () => Promise<T>): Promise<T> {
  checkDatabaseUrl(target);
  try {
    return await work();
  } catch (error) {
    const advice = adviceFor(error);
    if (advice === undefined) throw error;
    const reason = reasonOf(error);
    throw new CannotConnectError(
      `Postgres at ${placeOf(target.url)}: ${reason}; ${advice} ${target.setting}`,
      { cause: error },
    );
  }
}

function adviceFor(error: unknown): string | undefined {
  const code = errorCode(error) ?? '';
  if (REFUSALS[code] !== undefined) return REFUSALS[code];
  const message = error instanceof Error ? error.message : '';
  const noAnswer =
    NO_ANSWER_CODES.test(code) || NO_ANSWER_MESSAGES.some((text) => text.test(message));
  return noAnswer ? DOES_NOT_ANSWER : undefined;
}

/** A host with several addresses fails with an error that has a code and no message. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message || (errorCode(error) ?? 'no answer');
}

function placeOf(text: string): string {
  const url = new URL(text);
  return `${url.hostname}:${url.port || DEFAULT_PORT}${url.pathname}`;
}
