import type { Answer } from './client.ts';
import { expectedText, isAnswer, type Refusal } from './expectations.ts';
import { canonical, valueAt, without } from './json.ts';
import type { Plan } from './plan.ts';

/** What was to be seen, what was, and whether that will do. */
export interface Observation {
  readonly ok: boolean;
  readonly expected: string;
  readonly seen: string;
}

/** Told as done for the first time. */
export function seeTaken(plan: Plan, answer: Answer): Observation {
  const ok = isAnswer(answer, plan.expect.taken, plan) && !isMarked(plan, answer);
  return { ok, expected: expectedText(plan.expect.taken), seen: answerText(plan, answer) };
}

/** Told as done, be it now or before. */
export function seeDone(plan: Plan, answer: Answer): Observation {
  const { taken } = plan.expect;
  return {
    ok: isAnswer(answer, taken, plan),
    expected: expectedText(taken),
    seen: String(answer.status),
  };
}

/** The first answer once more: status, body, `Location`. */
export function seeReplay(plan: Plan, first: Answer, answer: Answer): Observation {
  const difference = differenceOf(plan, first, answer);
  const seen = answerText(plan, answer);
  return {
    ok: difference === undefined,
    expected: 'the first answer again',
    seen: difference === undefined ? 'the first answer again' : `${seen}, ${difference}`,
  };
}

export function seeRefusal(plan: Plan, refusal: Refusal, answer: Answer): Observation {
  const expected = plan.expect[refusal];
  return {
    ok: isAnswer(answer, expected, plan),
    expected: expectedText(expected),
    seen: answerText(plan, answer),
  };
}

/** Of requests with one key at the same time one is taken; the rest are replays or told to wait. */
export function seeOneTaken(plan: Plan, answers: readonly Answer[]): Observation {
  const { taken, running } = plan.expect;
  const first = takenAmong(plan, answers);
  const rest = answers.filter((answer) => answer !== first);
  const wrong = rest.filter(
    (answer) =>
      !isAnswer(answer, running, plan) &&
      (first === undefined || differenceOf(plan, first, answer) !== undefined),
  );
  const expected = `one ${expectedText(taken)}, the rest its replays or ${expectedText(running)}`;
  if (first !== undefined && wrong.length === 0) return { ok: true, expected, seen: expected };
  return { ok: false, expected, seen: tallyText(plan, answers) };
}

export function takenAmong(plan: Plan, answers: readonly Answer[]): Answer | undefined {
  return answers.find((answer) => seeTaken(plan, answer).ok);
}

/** `409 IDEMPOTENCY_KEY_IN_USE`, `202 replayed`. */
export function answerText(plan: Plan, answer: Answer): string {
  const code = valueAt(answer.body, plan.expect.codePointer);
  const parts = [
    answer.status,
    typeof code === 'string' ? code : '',
    isMarked(plan, answer) && 'replayed',
  ];
  return parts.filter(Boolean).join(' ');
}

function tallyText(plan: Plan, answers: readonly Answer[]): string {
  const groups = Map.groupBy(answers, (answer) => answerText(plan, answer));
  const bodies = new Set(answers.filter(({ status }) => status < 300).map(({ text }) => text));
  const counts = [...groups].map(([text, group]) => `${group.length} × ${text}`).sort();
  return `${counts.join(', ')}${bodies.size > 1 ? `, with ${bodies.size} bodies` : ''}`;
}

/** Whether it says of itself that it is a replay; never when the API has no header for that. */
function isMarked({ expect }: Plan, { headers }: Answer): boolean {
  const { replayHeader: header } = expect;
  return header !== undefined && headers.get(header.name) === header.value;
}

function differenceOf(plan: Plan, first: Answer, answer: Answer): string | undefined {
  const { replayHeader, ignored } = plan.expect;
  if (answer.status !== first.status) return `not ${first.status}`;
  const [was, is] = [first, answer].map(({ body, text }) =>
    body === undefined ? text : canonical(without(body, ignored)),
  );
  if (was !== is) return 'another body';
  if (answer.headers.get('location') !== first.headers.get('location')) return 'another Location';
  return replayHeader !== undefined && !isMarked(plan, answer)
    ? `without ${replayHeader.name}`
    : undefined;
}
