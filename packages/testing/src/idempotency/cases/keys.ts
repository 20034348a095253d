import { type Case, happened } from '../case.ts';
import { seeRefusal, seeReplay, seeTaken } from '../observe.ts';
import type { Plan } from '../plan.ts';

/** What is a key, and what is none. */
export function keyCases(plan: Plan): Case[] {
  const malformed = Object.entries(plan.malformedKeys);
  return [
    { id: 'key-new', sent: 'a new key', play: playNew },
    missing('key-missing', 'no key', null),
    missing('key-empty', 'an empty key', ''),
    ...malformed.map(([what, key]) => malformedCase(what, key)),
    plan.expect.bareKey === 'accepted'
      ? { id: 'key-bare', sent: 'a bare key, then the same quoted', play: playBareThenQuoted }
      : { id: 'key-bare', sent: 'a bare key', play: playBareRefused },
    { id: 'key-quoted', sent: 'a quoted key, then the same quoted', play: playQuotedTwice },
  ];
}

const playNew: Case['play'] = async ({ plan, open }) => {
  const stage = await open();
  const answer = await stage.send();
  return happened(1, stage, seeTaken(plan, answer));
};

function missing(id: string, sent: string, key: string | null): Case {
  return {
    id,
    sent,
    async play({ plan, open }) {
      const stage = await open();
      const answer = await stage.send({ key });
      return happened(0, stage, seeRefusal(plan, 'missing', answer));
    },
  };
}

function malformedCase(what: string, key: string): Case {
  return {
    id: `key-malformed-${what.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`,
    sent: `a malformed key: ${what}`,
    async play({ plan, open }) {
      const stage = await open();
      const answer = await stage.send({ key });
      return happened(0, stage, seeRefusal(plan, 'malformed', answer));
    },
  };
}

const playQuotedTwice: Case['play'] = async ({ plan, open }) => {
  const stage = await open();
  const first = await stage.send();
  const again = await stage.send();
  return happened(1, stage, seeTaken(plan, first), seeReplay(plan, first, again));
};

const playBareThenQuoted: Case['play'] = async ({ plan, open }) => {
  const stage = await open();
  const first = await stage.send({ key: stage.key });
  const again = await stage.send();
  return happened(1, stage, seeTaken(plan, first), seeReplay(plan, first, again));
};

const playBareRefused: Case['play'] = async ({ plan, open }) => {
  const stage = await open();
  const answer = await stage.send({ key: stage.key });
  return happened(0, stage, seeRefusal(plan, 'malformed', answer));
};
