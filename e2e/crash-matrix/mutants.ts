import { blowOf } from './failpoint-blow.ts';
import { FAILPOINT_ROWS } from './failpoint-rows.ts';
import { FAULTS } from './faults.ts';
import { startLivingSystem } from './living-system.ts';
import { buildMutant } from './mutant-build.ts';
import { problemsOf } from './problems.ts';
import { isSound } from './row-result.ts';
import { type Blow, runAlone } from './run-alone.ts';

/** The system broken on purpose, in one way that somebody could really break it. */
export interface Mutant {
  /** Also the name of its patch in `mutants/`. */
  readonly name: string;
  readonly what: string;
  /** The rows that have to catch it, one of them at least. */
  readonly rows: readonly string[];
}

export interface MutantResult extends Mutant {
  /** Null when nothing caught it: then the matrix is too weak. */
  readonly caughtBy: { readonly row: string; readonly problem: string } | null;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'offset-before-commit',
    what: 'the consumer stores an offset before the batch is handled',
    rows: ['settlement-worker is killed while Postgres is silent'],
  },
  {
    name: 'attempt-after-call',
    what: 'an attempt becomes CALLING when its call was answered, and not before it is made',
    rows: ['pg-processor.call.after-answer', 'pg-processor.http.answered'],
  },
  {
    name: 'new-key-on-resend',
    what: 'the same bytes are sent again with a new key',
    rows: ['pg-processor.call.before-send', 'pg-processor.http.sent'],
  },
  {
    name: 'outbox-deleted-first',
    what: 'the relay deletes rows before Kafka has reported them',
    rows: ['payment-api: relay.before-publish'],
  },
  {
    name: 'no-unique-key',
    what: 'idempotency keys and live orders have no unique index',
    rows: ['Redis is killed'],
  },
  {
    name: 'redis-as-authority',
    what: 'an answer is kept in Redis before Postgres has stored the payment',
    rows: ['payment-api is killed while Postgres is silent', 'payment-api.intake.before-commit'],
  },
  {
    name: 'cancel-without-reserve',
    what: 'a cancel is measured by what was cancelled before, and holds nothing back',
    rows: ['payment-api.cancel.after-commit'],
  },
  {
    name: 'cache-without-version',
    what: 'the cache takes whatever comes last',
    rows: ['payment-api is stopped between its read and its write to the cache'],
  },
  {
    name: 'two-payments-on-one-source',
    what: 'an attempt is called whoever has claimed its source',
    rows: ['pg-processor.results.after-commit'],
  },
];

const BLOWS: readonly Blow[] = [...FAILPOINT_ROWS.map(blowOf), ...FAULTS];

interface MutantRun {
  readonly log: (line: string) => void;
  readonly onStart: (stop: () => Promise<void>) => void;
}

/** Runs each mutant against its rows, until one catches it. */
export async function* runMutants(
  mutants: readonly Mutant[],
  run: MutantRun,
): AsyncGenerator<MutantResult> {
  const { log } = run;
  for (const mutant of mutants) {
    const caughtBy = await tryToCatch(mutant, run);
    log(`${mutant.name}: ${caughtBy ? `caught by ${caughtBy.row}` : 'caught by NOTHING'}`);
    if (caughtBy) log(`    ${caughtBy.problem}`);
    yield { ...mutant, caughtBy };
  }
}

async function tryToCatch(
  mutant: Mutant,
  { log, onStart }: MutantRun,
): Promise<MutantResult['caughtBy']> {
  const build = await buildMutant(mutant.name);
  try {
    for (const name of mutant.rows) {
      const blow = BLOWS.find((one) => one.name === name);
      if (blow === undefined) throw new Error(`There is no row ${name}.`);
      const living = await startLivingSystem({ ownServers: true, buildsDir: build.dir, onStart });
      try {
        const row = await runAlone(living, blow);
        const [problem] = problemsOf(row);
        if (!isSound(row) && problem) return { row: name, problem: problem.slice(0, 160) };
        log(`${mutant.name}: ${name} saw nothing`);
      } finally {
        await living.stop();
      }
    }
    return null;
  } finally {
    build.remove();
  }
}
