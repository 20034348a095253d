/** How an answer goes out once money has moved. */
export type Ending = 'ANSWER' | 'RESET' | 'FAULT' | 'GARBAGE' | 'HANG' | 'PARTIAL';

/** How a payment behaves when it is confirmed, and when it is cancelled. */
export interface Scenario {
  readonly outcome: 'CAPTURE' | 'DECLINE' | 'HANG' | 'DEPOSIT';
  /** Code of the refusal: for good with DECLINE, else of the first confirm only. */
  readonly declineCode: string | null;
  /** Overrides the mix's latency. */
  readonly slowMs: number | null;
  /** The first confirm is cut before anything happens. */
  readonly resetBefore: boolean;
  readonly ending: Ending;
  /** Cut at once, captured that much later. */
  readonly lateMs: number | null;
  /** Captured, answer lost, and inquiries know nothing of it for that long. */
  readonly notFoundForMs: number | null;
  /** A confirm with another idempotency key charges again: nothing but the key guards. */
  readonly chargesEachKey: boolean;
  readonly cancel: CancelScenario;
}

/** How each cancel of a payment behaves. */
export interface CancelScenario {
  readonly outcome: 'GIVE_BACK' | 'DECLINE' | 'HANG';
  /** Code of the refusal: of every cancel with DECLINE, else of the first one only. */
  readonly declineCode: string | null;
  readonly slowMs: number | null;
  /** The first cancel is cut before anything happens. */
  readonly resetBefore: boolean;
  readonly ending: Ending;
  /** Cut at once, given back that much later. */
  readonly lateMs: number | null;
}

export const APPROVE: Scenario = {
  outcome: 'CAPTURE',
  declineCode: null,
  slowMs: null,
  resetBefore: false,
  ending: 'ANSWER',
  lateMs: null,
  notFoundForMs: null,
  chargesEachKey: false,
  cancel: {
    outcome: 'GIVE_BACK',
    declineCode: null,
    slowMs: null,
    resetBefore: false,
    ending: 'ANSWER',
    lateMs: null,
  },
};

/** What a term decides; two terms of one scenario may not decide the same. */
type Aspect = 'outcome' | 'first' | 'before' | 'timing' | 'ending' | 'visibility' | 'guard';

interface Term {
  readonly argument: 'ms' | 'CODE' | null;
  readonly decides: readonly (Aspect | `cancel-${Aspect}`)[];
  readonly apply: (argument: string, scenario: Scenario) => Partial<Scenario>;
}

const TERMS: Readonly<Record<string, Term>> = {
  approve: { argument: null, decides: ['outcome'], apply: () => ({ outcome: 'CAPTURE' }) },
  decline: {
    argument: 'CODE',
    decides: ['outcome', 'first', 'ending', 'visibility'],
    apply: (code) => ({ outcome: 'DECLINE', declineCode: code }),
  },
  'decline-once': {
    argument: 'CODE',
    decides: ['first'],
    apply: (code) => ({ declineCode: code }),
  },
  slow: { argument: 'ms', decides: ['timing'], apply: (ms) => ({ slowMs: Number(ms) }) },
  'reset-before': { argument: null, decides: ['before'], apply: () => ({ resetBefore: true }) },
  'reset-after-capture': ending('RESET'),
  '500-after-capture': ending('FAULT'),
  garbage: ending('GARBAGE'),
  'partial-after-capture': ending('PARTIAL'),
  'hang-after-capture': ending('HANG'),
  hang: {
    argument: null,
    decides: ['outcome', 'timing', 'ending', 'visibility'],
    apply: () => ({ outcome: 'HANG' }),
  },
  late: {
    argument: 'ms',
    decides: ['ending', 'timing'],
    apply: (ms) => ({ ending: 'RESET', lateMs: Number(ms) }),
  },
  'not-found-for': {
    argument: 'ms',
    decides: ['visibility'],
    apply: (ms) => ({ notFoundForMs: Number(ms) }),
  },
  'charges-each-key': {
    argument: null,
    decides: ['guard'],
    apply: () => ({ chargesEachKey: true }),
  },
  'waiting-for-deposit': {
    argument: null,
    decides: ['outcome', 'visibility'],
    apply: () => ({ outcome: 'DEPOSIT' }),
  },
  'cancel-decline': cancelTerm('CODE', ['outcome', 'first', 'ending'], (code) => ({
    outcome: 'DECLINE',
    declineCode: code,
  })),
  'cancel-decline-once': cancelTerm('CODE', ['first'], (code) => ({ declineCode: code })),
  'cancel-slow': cancelTerm('ms', ['timing'], (ms) => ({ slowMs: Number(ms) })),
  'cancel-reset-before': cancelTerm(null, ['before'], () => ({ resetBefore: true })),
  'cancel-reset-after': cancelEnding('RESET'),
  'cancel-500-after': cancelEnding('FAULT'),
  'cancel-garbage': cancelEnding('GARBAGE'),
  'cancel-partial-after': cancelEnding('PARTIAL'),
  'cancel-hang-after': cancelEnding('HANG'),
  'cancel-hang': cancelTerm(null, ['outcome', 'timing', 'ending'], () => ({ outcome: 'HANG' })),
  'cancel-late': cancelTerm('ms', ['ending', 'timing'], (ms) => ({
    ending: 'RESET',
    lateMs: Number(ms),
  })),
};

/** How every term is written. */
export const SCENARIO_TERMS: readonly string[] = Object.entries(TERMS).map(([name, term]) =>
  term.argument === null ? name : `${name}:<${term.argument}>`,
);

const DURATION_MAX_MS = 86_400_000;
const SCENARIO_LENGTH_MAX = 300;

/** Reads scenarios of one PG. */
export class ScenarioReader {
  readonly #isCode: (code: string) => boolean;
  /** A million payments of one scenario hold it once. */
  readonly #known = new Map<string, Scenario>();

  constructor(isCode: (code: string) => boolean) {
    this.#isCode = isCode;
  }

  /** @throws ScenarioError with what is wrong. */
  read(text: string): Scenario {
    const known = this.#known.get(text);
    if (known) return known;
    const scenario = parseScenario(text, this.#isCode);
    if (this.#known.size < KNOWN_MAX) this.#known.set(text, scenario);
    return scenario;
  }
}

const KNOWN_MAX = 10_000;

function parseScenario(text: string, isCode: (code: string) => boolean): Scenario {
  if (text.length > SCENARIO_LENGTH_MAX) {
    throw new ScenarioError(`a scenario has at most ${SCENARIO_LENGTH_MAX} characters`);
  }
  const decided = new Map<Term['decides'][number], string>();
  let scenario = APPROVE;
  for (const part of text.split(',').map((term) => term.trim())) {
    const { term, argument } = readTerm(part, isCode);
    for (const aspect of term.decides) {
      const other = decided.get(aspect);
      if (other !== undefined) throw new ScenarioError(`${other} and ${part} cannot be joined`);
      decided.set(aspect, part);
    }
    scenario = { ...scenario, ...term.apply(argument, scenario) };
  }
  const isLost = scenario.notFoundForMs !== null && !decided.has('ending');
  return isLost ? { ...scenario, ending: 'RESET' } : scenario;
}

export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

function ending(kind: Ending): Term {
  return { argument: null, decides: ['ending'], apply: () => ({ ending: kind }) };
}

function cancelEnding(kind: Ending): Term {
  return cancelTerm(null, ['ending'], () => ({ ending: kind }));
}

/** A term about cancels: it decides nothing about the confirm. */
function cancelTerm(
  argument: Term['argument'],
  decides: readonly Aspect[],
  apply: (argument: string) => Partial<CancelScenario>,
): Term {
  return {
    argument,
    decides: decides.map((aspect) => `cancel-${aspect}` as const),
    apply: (text, { cancel }) => ({ cancel: { ...cancel, ...apply(text) } }),
  };
}

function readTerm(part: string, isCode: (code: string) => boolean) {
  const colon = part.indexOf(':');
  const name = colon < 0 ? part : part.slice(0, colon);
  const argument = colon < 0 ? '' : part.slice(colon + 1);
  const term = Object.hasOwn(TERMS, name) ? TERMS[name] : undefined;
  if (!term || (term.argument === null) !== colon < 0) {
    throw new ScenarioError(`${JSON.stringify(part)} is not a scenario`);
  }
  if (term.argument === 'CODE' && !isCode(argument)) {
    throw new ScenarioError(`${JSON.stringify(argument)} is no error code of this PG`);
  }
  const isDuration = /^\d{1,8}$/.test(argument) && Number(argument) <= DURATION_MAX_MS;
  if (term.argument === 'ms' && !isDuration) {
    throw new ScenarioError(`${part}: the time is 0 to ${DURATION_MAX_MS} ms`);
  }
  return { term, argument };
}
