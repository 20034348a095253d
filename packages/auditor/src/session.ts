import {
  CannotConnectError,
  connecting,
  createClient,
  errorCode,
  type PostgresSession,
} from '@mini-pg/database';
import { CannotAuditError } from './cannot-audit-error.ts';

/** SQLSTATEs that say that this is no database of ours. */
const HINTS: Readonly<Record<string, string>> = {
  '42P01': 'a table is missing: run the migrations of every service first',
  '42703': 'a column is missing: run the migrations of every service first',
  '3F000': 'a schema is missing: run the migrations of every service first',
  '42501': 'the role may not read it: use the auditor role, which may read every schema',
};

/** @throws CannotAuditError when the database does not let us in. */
export async function connect(
  url: string,
  options: { readonly applicationName: string; readonly statementTimeoutMs: number },
): Promise<PostgresSession> {
  try {
    return await connecting({ url, setting: "the database's URL" }, async () => {
      const session = createClient({ connectionString: url, ...options });
      // A lost connection also rejects the statement under way, which is where it is dealt with.
      session.on('error', () => {});
      await session.connect();
      return session;
    });
  } catch (error) {
    throw error instanceof CannotConnectError
      ? new CannotAuditError(error.message, { cause: error })
      : error;
  }
}

/** An error that says nothing of the books as what it is; others stay. */
export function asCannotAudit(error: unknown): unknown {
  if (error instanceof CannotAuditError || !(error instanceof Error)) return error;
  const code = errorCode(error);
  const hint = code === undefined ? undefined : HINTS[code];
  if (hint !== undefined)
    return new CannotAuditError(`${error.message}; ${hint}`, { cause: error });
  const isConnection = code !== undefined && /^E[A-Z_]+$/.test(code);
  if (!isConnection) return error;
  return new CannotAuditError(`Postgres was lost (${error.message || code}): is it up?`, {
    cause: error,
  });
}
