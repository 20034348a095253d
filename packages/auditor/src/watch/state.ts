import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { CannotAuditError } from '../cannot-audit-error.ts';

const problemSchema = z.object({
  key: z.string(),
  rule: z.string(),
  statement: z.string(),
  violation: z.record(z.string(), z.unknown()),
  since: z.iso.datetime(),
  page: z.string().nullable(),
});

const stateSchema = z.object({
  version: z.literal(1),
  cursors: z.record(z.string(), z.string()).readonly(),
  problems: z.array(problemSchema),
});

/** How far a watch has come, and what it has stated and not yet called resolved. */
export type WatchState = z.infer<typeof stateSchema>;

export const FRESH_STATE: WatchState = { version: 1, cursors: {}, problems: [] };

/** Where a watch keeps its state from one run to the next. */
export interface StateStore {
  read(): WatchState;
  write(state: WatchState): void;
}

/** A state for as long as the process lives. */
export function memoryStore(state: WatchState = FRESH_STATE): StateStore {
  let kept = state;
  return {
    read: () => kept,
    write(next) {
      kept = next;
    },
  };
}

/**
 * A state in a file, which is always a whole one.
 *
 * @throws CannotAuditError on reading what is no state: to begin anew over it would state again
 *   what was stated, and never call it resolved.
 */
export function fileStore(path: string): StateStore {
  return {
    read() {
      const text = readIfThere(path);
      if (text === undefined) return FRESH_STATE;
      try {
        return stateSchema.parse(JSON.parse(text));
      } catch (cause) {
        throw new CannotAuditError(`${path} is no state of a watch: move it away to begin anew`, {
          cause,
        });
      }
    },
    write(state) {
      const partial = `${path}.partial`;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(partial, `${JSON.stringify(state)}\n`, { mode: 0o600 });
      renameSync(partial, path);
    },
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new CannotAuditError(
      `${path} cannot be read (${error instanceof Error ? error.message : error})`,
      { cause: error },
    );
  }
}
