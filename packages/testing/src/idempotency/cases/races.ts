import { type Case, happened, type World } from '../case.ts';
import { seeDone, seeOneTaken, seeRefusal, seeReplay, seeTaken, takenAmong } from '../observe.ts';
import type { Change } from '../stage.ts';

const CROWDS = [2, 10, 50] as const;
const CROWD_ON_TWO = 10;

/** The same request before the first one is over. */
export const RACE_CASES: readonly Case[] = [
  {
    id: 'while-running',
    sent: 'the same request, and another body, while the first runs',
    lacks: ({ plan }) => (plan.slow ? undefined : 'the plan has no `slow` request'),
    play: playWhileRunning,
  },
  ...CROWDS.map(
    (count): Case => ({
      id: `concurrent-${count}`,
      sent: `${count} times at once, then again`,
      play: (world) => playCrowd(world, count, () => ({})),
    }),
  ),
  {
    id: 'concurrent-two-instances',
    sent: `${CROWD_ON_TWO} times at once, half to each of two instances, then again`,
    lacks: ({ plan }) => (plan.otherInstance ? undefined : 'the plan has no `otherInstance`'),
    play: (world) =>
      playCrowd(world, CROWD_ON_TWO, (index) => (index % 2 ? { instance: 'other' } : {})),
  },
  {
    id: 'client-gone',
    sent: 'the client goes before the answer, then sends again',
    play: (world) => playGone(world, 'whole'),
  },
  {
    id: 'client-gone-in-body',
    sent: 'the client goes in the middle of the body, then sends again',
    play: (world) => playGone(world, 'half'),
  },
];

/** Two are sent, since nobody can tell which of them comes first; one has to be told to wait. */
async function playWhileRunning({ plan, open }: World) {
  const stage = await open(plan.slow?.values);
  const change = { headers: plan.slow?.headers };
  const both = [stage.send(change), stage.send(change)];
  // Each is awaited below; until then a failure is nobody's unhandled one.
  void Promise.allSettled(both);
  const refused = await Promise.race(both);
  const other = await stage.send({ ...change, patch: plan.otherBody });
  const told = (await Promise.all(both)).find((answer) => answer !== refused) ?? refused;
  const again = await stage.sendUntilOver();
  return happened(
    1,
    stage,
    seeRefusal(plan, 'running', refused),
    seeRefusal(plan, 'reused', other),
    seeTaken(plan, told),
    seeReplay(plan, told, again),
  );
}

async function playCrowd({ plan, open }: World, count: number, change: (index: number) => Change) {
  const stage = await open();
  const sent = Array.from({ length: count }, (_, index) => stage.send(change(index)));
  const answers = await Promise.all(sent);
  const first = await stage.sendUntilOver();
  const again = await stage.send(change(1));
  const told = takenAmong(plan, answers) ?? first;
  return happened(1, stage, seeOneTaken(plan, answers), seeReplay(plan, told, again));
}

/** Whether the first was taken before its client went is not known; that it is one thing, is. */
async function playGone({ plan, open }: World, sent: 'whole' | 'half') {
  const stage = await open();
  await stage.abandon(sent);
  const first = await stage.sendUntilOver();
  const again = await stage.send();
  return happened(1, stage, seeDone(plan, first), seeReplay(plan, first, again));
}
