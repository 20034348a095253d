import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { z } from 'zod';

const DIFF_BYTES_MAX = 64 * 1024 * 1024;
const FILE = join(REPOSITORY_DIR, '.data', 'crash-matrix.json');

const rowSchema = z.object({
  name: z.string(),
  what: z.string(),
  sent: z.int(),
  acknowledged: z.int(),
  resolved: z.int(),
  /** Null when it never recovered: JSON knows no infinity. */
  recoveredMs: z.number().nullable(),
  lost: z.array(z.string()).readonly(),
  double: z.array(z.string()).readonly(),
  faults: z.array(z.string()).readonly(),
});

const silentSchema = z.object({ name: z.string(), reason: z.string() });

const mutantSchema = z.object({
  name: z.string(),
  caughtBy: z.object({ row: z.string(), problem: z.string() }).nullable(),
});

const keptSchema = z.object({
  commit: z.string(),
  rows: z.array(rowSchema),
  skipped: z.array(silentSchema),
  failed: z.array(silentSchema),
  mutants: z.array(mutantSchema),
});

export type KeptRow = z.infer<typeof rowSchema>;
export type SilentRow = z.infer<typeof silentSchema>;
export type KeptMutant = z.infer<typeof mutantSchema>;
export type Kept = z.infer<typeof keptSchema>;

/**
 * What the runs of this commit found, row by row, so that a matrix may be run in parts and goes on
 * where it was interrupted. What another commit found is forgotten.
 */
export class KeptResults {
  readonly #commit = describeSources();

  /** Read anew each time: parts may run at the same time. */
  get all(): Kept {
    const kept = readKept();
    if (kept?.commit === this.#commit) return kept;
    return { commit: this.#commit, rows: [], skipped: [], failed: [], mutants: [] };
  }

  /** In the place of what was known of it. */
  put<Kind extends 'rows' | 'skipped' | 'failed' | 'mutants'>(
    kind: Kind,
    entry: Kept[Kind][number],
  ): void {
    const { all } = this;
    const lists = kind === 'mutants' ? [all.mutants] : [all.rows, all.skipped, all.failed];
    for (const list of lists) remove(list, entry.name);
    (all[kind] as Kept[Kind][number][]).push(entry);
    mkdirSync(dirname(FILE), { recursive: true });
    writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
  }
}

/** The commit, and what was changed since but for documents: the page is one of them. */
function describeSources(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: REPOSITORY_DIR, encoding: 'utf8', maxBuffer: DIFF_BYTES_MAX });
  const changes = git('diff', 'HEAD', '--', '.', ':(exclude)docs');
  const commit = git('rev-parse', '--short=10', 'HEAD').trim();
  if (changes === '') return commit;
  return `${commit} and ${createHash('sha256').update(changes).digest('hex').slice(0, 8)}`;
}

function remove(list: { name: string }[], name: string): void {
  const index = list.findIndex((one) => one.name === name);
  if (index >= 0) list.splice(index, 1);
}

function readKept(): Kept | undefined {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(FILE, 'utf8')));
  } catch {
    return undefined;
  }
}
