import type { Case, Effects, Played, World } from './case.ts';
import { casesOf } from './cases/index.ts';
import type { Hooks } from './hooks.ts';
import type { Observation } from './observe.ts';
import { type Plan, PlanError } from './plan.ts';
import { openStage } from './stage.ts';

export type Verdict = 'passed' | 'failed' | 'not run' | 'left out';

export interface CaseResult {
  readonly id: string;
  readonly sent: string;
  readonly expected: string;
  readonly seen: string;
  readonly verdict: Verdict;
}

/** Nothing can be said: the API does not take the request at all. */
export class CannotRunError extends Error {}

/**
 * Plays every case, one after the other, and then counts all effects once more, so that what
 * happened late is seen too.
 *
 * @throws CannotRunError when the very first request is not taken
 * @throws PlanError when the plan leaves out a case that there is not
 */
export async function runSuite(
  plan: Plan,
  hooks: Hooks,
  onResult: (result: CaseResult) => void = () => {},
): Promise<CaseResult[]> {
  const cases = casesOf(plan);
  const unknown = Object.keys(plan.leaveOut).find((id) => !cases.some((one) => one.id === id));
  if (unknown !== undefined) {
    throw new PlanError(`leaveOut: there is no case ${unknown}: ${idsOf(cases)}`);
  }
  const world: World = { plan, hooks, open: (values) => openStage(plan, values) };
  const results: { result: CaseResult; effects: readonly Effects[] }[] = [];
  for (const one of cases) {
    const played = await playCase(one, world);
    onResult(played.result);
    if (results.length === 0 && played.result.verdict === 'failed') {
      throw new CannotRunError(`the request of the plan is not taken: ${played.result.seen}`);
    }
    results.push(played);
  }
  return Promise.all(results.map(({ result, effects }) => countAgain(result, effects)));
}

function idsOf(cases: readonly Case[]): string {
  return cases.map(({ id }) => id).join(', ');
}

async function playCase(
  one: Case,
  world: World,
): Promise<{ result: CaseResult; effects: readonly Effects[] }> {
  const { id, sent } = one;
  const row = { id, sent, expected: '' };
  const reason = world.plan.leaveOut[id];
  if (reason !== undefined) {
    return { result: { ...row, seen: reason, verdict: 'left out' }, effects: [] };
  }
  const lacking = one.lacks?.(world);
  if (lacking !== undefined) {
    return { result: { ...row, seen: lacking, verdict: 'not run' }, effects: [] };
  }
  try {
    const played = await one.play(world);
    return { result: { ...row, ...(await judge(played)) }, effects: played.effects };
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    return { result: { ...row, seen, verdict: 'failed' }, effects: [] };
  }
}

async function judge({ observations, effects }: Played) {
  const all = [...observations, ...(await Promise.all(effects.map(seeEffects)))];
  return {
    expected: listed(all.map(({ expected }) => expected)),
    seen: listed(all.map(({ seen }) => seen)),
    verdict: all.every(({ ok }) => ok) ? ('passed' as const) : ('failed' as const),
  };
}

async function seeEffects({ stage, count, tenant = 'first' }: Effects): Promise<Observation> {
  const seen = await stage.countEffects(tenant);
  return { ok: seen === count, expected: effectsText(count), seen: effectsText(seen) };
}

async function countAgain(result: CaseResult, effects: readonly Effects[]): Promise<CaseResult> {
  if (result.verdict !== 'passed') return result;
  const late = (await Promise.all(effects.map(seeEffects))).find(({ ok }) => !ok);
  if (late === undefined) return result;
  return {
    ...result,
    seen: `${result.seen}; at the end of the run ${late.seen}`,
    verdict: 'failed',
  };
}

function effectsText(count: number): string {
  return count === 1 ? '1 effect' : `${count} effects`;
}

/** What is said several times in a row is said once, with its count. */
function listed(texts: readonly string[]): string {
  const runs: { text: string; count: number }[] = [];
  for (const text of texts) {
    const last = runs.at(-1);
    if (last?.text === text) last.count += 1;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => (count > 1 ? `${count} × ${text}` : text)).join('; ');
}
