import type { DeadLetterDetail } from '@mini-pg/messaging';
import { describe, expect, it } from 'vitest';
import { detailJson, detailLines, listLines, printable } from './dead-letter-lines.ts';

const LETTER: DeadLetterDetail = {
  id: 'payment.requested/2/7',
  status: 'REPLAYED',
  topic: 'payment.requested',
  partition: 3,
  offset: 41,
  group: 'pg-processor.requests',
  reason: 'PoisonError: never',
  attempts: 2,
  eventId: 'event-1',
  firstSeen: '2026-03-02T01:02:03.000Z',
  hasValue: true,
  valueOmitted: false,
  replayedFrom: 'payment.requested/2/1',
  cameBackAs: [{ id: 'payment.requested/2/9', group: 'pg-processor.requests' }],
  history: [
    {
      letter: 'payment.requested/2/7',
      resolution: 'REPLAYED',
      by: 'kim',
      reason: 'mended',
      at: '2026-03-03T00:00:00.000Z',
    },
  ],
  key: 'payment-1',
  value: Buffer.from('{"data":{"customer":{"kid":"k1","iv":"aa","ct":"bb"}}}'),
  headers: { traceparent: '00-abc' },
  unreadable: null,
};

describe('letters in a list', () => {
  it('are a line each, with where they came from', () => {
    const [headings, , line] = listLines([LETTER]);
    expect(headings).toMatch(/^id +status +group +from +first seen +event id +reason$/);
    expect(line?.split(/ {2,}/)).toEqual([
      'payment.requested/2/7',
      'REPLAYED',
      'pg-processor.requests',
      '3/41',
      '2026-03-02T01:02:03.000Z',
      'event-1',
      'PoisonError: never',
    ]);
  });

  it('show a dash for what their headers do not say', () => {
    const foreign = { ...LETTER, group: null, partition: null, offset: null, reason: null };
    expect(listLines([foreign])[2]).toMatch(/ - +-\/- .* -$/);
  });

  it('are named even when there are none', () => {
    expect(listLines([])).toEqual(['No dead letters.']);
  });
});

describe('a letter', () => {
  it('is shown with its links, its history and its value, sealed fields as they are', () => {
    const text = detailLines(LETTER).join('\n');
    expect(text).toContain('replayed from  payment.requested/2/1');
    expect(text).toContain('came back as   payment.requested/2/9 (pg-processor.requests)');
    expect(text).toContain('2026-03-03T00:00:00.000Z  REPLAYED by kim: mended');
    expect(text).toContain('  traceparent: 00-abc');
    expect(text).toContain('"ct": "bb"');
  });

  it('is JSON for a program, also where its value is not', () => {
    expect(detailJson(LETTER)).toMatchObject({ value: { data: { customer: { kid: 'k1' } } } });
    const half = { ...LETTER, value: Buffer.from('{"half"') };
    expect(detailJson(half)).toMatchObject({ value: '{"half"' });
    const bytes = { ...LETTER, value: Buffer.from([0xff, 0xfe]) };
    expect(detailJson(bytes)).toMatchObject({ value: 'base64://4=' });
  });

  it('says where a value is that was too large', () => {
    const omitted = { ...LETTER, value: Buffer.alloc(0), valueOmitted: true, hasValue: false };
    expect(detailLines(omitted).at(-1)).toBe(
      '  too large to be kept: it is at partition 3, offset 41 of the topic',
    );
  });

  it('commands no terminal, whatever stands in its message', () => {
    const value = Buffer.from('\u001b[2J\u009b1A\rall is well');
    const lines = detailLines({ ...LETTER, value, headers: { x: '\u001b]0;title\u0007' } });
    expect(lines.join('')).not.toMatch(/\p{Cc}/u);
    expect(lines.at(-1)).toBe('  \\u001b[2J\\u009b1A\\u000dall is well');
    expect(printable('\u202eabc')).toBe('\\u202eabc');
  });
});
