import { type Case, happened, type World } from '../case.ts';
import { reordered } from '../json.ts';
import { seeRefusal, seeReplay, seeTaken } from '../observe.ts';

const REPEATS = 3;

/** The same request again, after an answer or a refusal, and what only looks like it. */
export const REPEAT_CASES: readonly Case[] = [
  { id: 'replay', sent: `the same request ${REPEATS} times more`, play: playReplay },
  { id: 'other-body', sent: 'the key with another body', play: playOtherBody },
  {
    id: 'reordered-body',
    sent: 'the same values in another order, with white space',
    play: playReordered,
  },
  {
    id: 'refused-again',
    sent: 'a request that is refused, twice',
    lacks: lacksRefusedBody,
    play: playRefusedAgain,
  },
  {
    id: 'mended-after-refusal',
    sent: 'a request that is refused, then a good one with its key',
    lacks: lacksRefusedBody,
    play: playMended,
  },
];

async function playReplay({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send();
  const observations = [seeTaken(plan, first)];
  for (let count = 0; count < REPEATS; count += 1) {
    observations.push(seeReplay(plan, first, await stage.send()));
  }
  return happened(1, stage, ...observations);
}

async function playOtherBody({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send();
  const other = await stage.send({ patch: plan.otherBody });
  const again = await stage.send();
  return happened(
    1,
    stage,
    seeTaken(plan, first),
    seeRefusal(plan, 'reused', other),
    seeReplay(plan, first, again),
  );
}

async function playReordered({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send();
  const again = await stage.send({ write: (body) => JSON.stringify(reordered(body), null, 4) });
  return happened(1, stage, seeTaken(plan, first), seeReplay(plan, first, again));
}

function lacksRefusedBody({ plan }: World): string | undefined {
  return plan.refusedBody ? undefined : 'the plan has no `refusedBody`';
}

async function playRefusedAgain({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send({ patch: plan.refusedBody });
  const again = await stage.send({ patch: plan.refusedBody });
  return happened(0, stage, seeRefusal(plan, 'refused', first), seeRefusal(plan, 'refused', again));
}

async function playMended({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send({ patch: plan.refusedBody });
  const mended = await stage.send();
  const isFree = plan.expect.afterRefusal === 'free';
  return happened(
    isFree ? 1 : 0,
    stage,
    seeRefusal(plan, 'refused', first),
    isFree ? seeTaken(plan, mended) : seeRefusal(plan, 'reused', mended),
  );
}
