import { describe, expect, it } from 'vitest';
import { merchantUpdated } from '../test/support.ts';
import { toDeadLetter, withoutValue } from './dead-letters.ts';
import type { Message } from './kafka.ts';
import { parseMessage } from './received-event.ts';

const TRACEPARENT = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

function message(value: string | null, changes: Partial<Message> = {}): Message {
  return {
    topic: 'x.merchant.updated',
    partition: 3,
    offset: 42,
    key: Buffer.from('the key'),
    value: value === null ? null : Buffer.from(value),
    size: 0,
    headers: [{ traceparent: Buffer.from(TRACEPARENT) }],
    ...changes,
  };
}

const refusal = (value: string | null) => {
  const parsed = parseMessage(message(value), 'merchant.updated');
  return parsed.ok ? undefined : parsed;
};

describe('a message', () => {
  it('becomes an event with its place and its trace', () => {
    const event = merchantUpdated('name');
    const parsed = parseMessage(message(JSON.stringify(event)), 'merchant.updated');
    expect(parsed).toEqual({
      ok: true,
      event: {
        topic: 'merchant.updated',
        event,
        key: 'the key',
        partition: 3,
        offset: 42n,
        traceparent: TRACEPARENT,
        traceId: '0123456789abcdef0123456789abcdef',
      },
    });
  });

  it('needs neither key nor headers', () => {
    const bare = { key: null, headers: [] };
    const value = JSON.stringify(merchantUpdated('name'));
    const parsed = parseMessage(message(value, bare), 'merchant.updated');
    expect(parsed).toMatchObject({ event: { key: '', traceparent: undefined, traceId: null } });
  });

  it.each([null, '', 'not json', '{"half":', '\u0000'])('that is no JSON says so: %j', (value) => {
    expect(refusal(value)).toEqual({ ok: false, kind: 'parse', reason: 'the value is not JSON' });
  });

  it('that is of another shape names the places, not the values', () => {
    const event = { ...merchantUpdated('name'), time: 'secret yesterday' };
    const found = refusal(JSON.stringify(event));
    expect(found?.kind).toBe('schema');
    expect(found?.reason).toContain('the value is no merchant.updated event: /time');
    expect(found?.reason).not.toContain('secret');
  });

  it.each(['null', '[]', '"text"', '{}', '{"type":"payment.requested"}'])(
    'of any other JSON is refused by the schema: %s',
    (value) => {
      expect(refusal(value)?.kind).toBe('schema');
    },
  );
});

describe('a dead letter', () => {
  const cause = {
    group: 'g',
    reason: 'because',
    attempts: 2,
    firstSeen: new Date('2026-03-02T01:02:03Z'),
  };

  it('is the message as it came, with all that an operator needs', () => {
    const event = merchantUpdated('name');
    expect(toDeadLetter(message(JSON.stringify(event)), cause)).toEqual({
      topic: 'x.merchant.updated.dlq',
      key: Buffer.from('the key'),
      value: Buffer.from(JSON.stringify(event)),
      headers: {
        traceparent: TRACEPARENT,
        group: 'g',
        topic: 'x.merchant.updated',
        partition: '3',
        offset: '42',
        reason: 'because',
        attempts: '2',
        'first-seen': '2026-03-02T01:02:03.000Z',
        'event-id': event.id,
      },
    });
  });

  it('of an unreadable message has no event id; a long reason is cut', () => {
    const letter = toDeadLetter(message('x'), { ...cause, reason: 'r'.repeat(5_000) });
    expect(letter.headers).not.toHaveProperty('event-id');
    expect(letter.headers?.reason).toHaveLength(1_000);
  });

  it('without its value still says where that stands', () => {
    const letter = withoutValue(toDeadLetter(message('x'), cause));
    expect(letter).toMatchObject({
      value: '',
      headers: { partition: '3', offset: '42', 'value-omitted': 'too large' },
    });
  });
});
