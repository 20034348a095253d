import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Case, happened, type World } from '../case.ts';
import type { Answer } from '../client.ts';
import { type Observation, seeOneTaken, seeReplay, seeTaken } from '../observe.ts';
import type { Stage } from '../stage.ts';

const CROWD = 10;
const REPEATS_BEFORE_MAX = 2_000;
const REPEATS_AFTER = 10;

/** The same request when the API's fast memory is gone, or has just run out. */
export const CACHE_CASES: readonly Case[] = [
  {
    id: 'cache-lost',
    sent: 'again after the cache is lost; a new key 10 times at once; both again after it is back',
    lacks: ({ hooks }) => (hooks.loseCache ? undefined : 'nobody gave a hook `loseCache`'),
    play: playCacheLost,
  },
  {
    id: 'cache-expired',
    sent: 'again and again while what is remembered runs out (the 30-minute edge)',
    lacks: ({ hooks }) => (hooks.expireCache ? undefined : 'nobody gave a hook `expireCache`'),
    play: playCacheExpired,
  },
];

async function playCacheLost({ plan, hooks, open }: World) {
  const [before, during] = [await open(), await open()];
  const first = await before.send();
  await hooks.loseCache?.(before.key);
  const again = await before.send();
  const crowd = await Promise.all(Array.from({ length: CROWD }, () => during.send()));
  const second = await during.sendUntilOver();
  await hooks.restoreCache?.(before.key);
  return {
    observations: [
      seeTaken(plan, first),
      seeReplay(plan, first, again),
      seeOneTaken(plan, crowd),
      seeReplay(plan, first, await before.send()),
      seeReplay(plan, second, await during.send()),
    ],
    effects: [before, during].map((stage) => ({ stage, count: 1 })),
  };
}

async function playCacheExpired(world: World) {
  const { plan, hooks, open } = world;
  const stage = await open();
  const first = await stage.send();
  const over = { yet: false };
  const expiring = hooks.expireCache?.(stage.key).finally(() => {
    over.yet = true;
  });
  const repeats = await repeatUntil(stage, () => over.yet);
  await expiring;
  return happened(1, stage, seeTaken(plan, first), seeAllReplays(world, first, repeats));
}

async function repeatUntil(stage: Stage, isOver: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (!isOver() && answers.length < REPEATS_BEFORE_MAX) {
    answers.push(await stage.send());
    await nextTurn();
  }
  for (let count = 0; count < REPEATS_AFTER; count += 1) answers.push(await stage.send());
  return answers;
}

/** The first that is no replay, or that all were. */
function seeAllReplays({ plan }: World, first: Answer, repeats: readonly Answer[]): Observation {
  const seen = repeats.map((answer) => seeReplay(plan, first, answer));
  const wrong = seen.find(({ ok }) => !ok);
  return (
    wrong ?? {
      ok: true,
      expected: 'the first answer each time',
      seen: 'the first answer each time',
    }
  );
}
