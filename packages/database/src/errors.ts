const UNIQUE_VIOLATION = '23505';
const DEADLOCK = '40P01';
const SERIALIZATION_FAILURE = '40001';
const QUERY_CANCELED = '57014';
const LOCK_NOT_AVAILABLE = '55P03';

/** SQLSTATE classes that pass by themselves: connection, resources, operator intervention. */
const TRANSIENT_CLASSES = ['08', '53', '57', '58'];
const TRANSIENT_STATES = new Set([
  DEADLOCK,
  SERIALIZATION_FAILURE,
  LOCK_NOT_AVAILABLE,
  QUERY_CANCELED,
]);
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOENT',
]);
const CONNECTION_MESSAGES = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error',
  'Client was closed',
];

/** The SQLSTATE or system code of a database error. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether trying again may succeed without anybody changing anything. */
export function isTransient(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== undefined) {
    if (TRANSIENT_STATES.has(code) || CONNECTION_CODES.has(code)) return true;
    if (code.length === 5 && TRANSIENT_CLASSES.includes(code.slice(0, 2))) return true;
  }
  const message = error instanceof Error ? error.message : '';
  return CONNECTION_MESSAGES.some((text) => message.includes(text));
}

/** Whether the transaction was surely rolled back and the same statement may be sent again. */
export function isDeadlock(error: unknown): boolean {
  const code = errorCode(error);
  return code === DEADLOCK || code === SERIALIZATION_FAILURE;
}

/** The name of the unique key that was violated, when that is what the error says. */
export function violatedKey(error: unknown): string | undefined {
  if (errorCode(error) !== UNIQUE_VIOLATION) return undefined;
  const constraint = (error as { constraint?: unknown }).constraint;
  return typeof constraint === 'string' ? constraint : undefined;
}

/**
 * Whether a statement that rejected may still have been committed: everything but an error that the
 * server itself reported about the statement.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  const code = errorCode(error);
  const reported = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  return !reported || code.startsWith('08') || code === '57P01' || code === '57P02';
}
