import type { Case, World } from '../case.ts';
import { seeRefusal, seeReplay, seeTaken } from '../observe.ts';

/** The same key where it means something else. */
export const SCOPE_CASES: readonly Case[] = [
  {
    id: 'other-tenant',
    sent: 'the same request with the key of another tenant',
    lacks: ({ plan }) => (plan.otherTenant ? undefined : 'the plan has no `otherTenant`'),
    play: playOtherTenant,
  },
  {
    id: 'other-route',
    sent: 'the key on another route',
    lacks: ({ plan }) => (plan.otherRoute ? undefined : 'the plan has no `otherRoute`'),
    play: playOtherRoute,
  },
];

async function playOtherTenant({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send();
  const theirs = await stage.send({ tenant: 'other' });
  const again = await stage.send();
  return {
    observations: [seeTaken(plan, first), seeTaken(plan, theirs), seeReplay(plan, first, again)],
    effects: [
      { stage, count: 1 },
      { stage, count: 1, tenant: 'other' as const },
    ],
  };
}

async function playOtherRoute({ plan, open }: World) {
  const stage = await open();
  const first = await stage.send();
  const elsewhere = await stage.send({ ...(plan.otherRoute && { route: plan.otherRoute }) });
  const again = await stage.send();
  return {
    observations: [
      seeTaken(plan, first),
      plan.expect.otherRoute === 'new'
        ? seeTaken(plan, elsewhere)
        : seeRefusal(plan, 'reused', elsewhere),
      seeReplay(plan, first, again),
    ],
    effects: [{ stage, count: 1 }],
  };
}
