import { describe, expect, it } from 'vitest';
import { formatDeadLetterId, parseDeadLetterId } from './dead-letter-id.ts';

describe('the id of a dead letter', () => {
  it('is read as it is written', () => {
    const id = { topic: 'payment.cancel-requested', partition: 2, offset: 1_234 } as const;
    expect(formatDeadLetterId(id)).toBe('payment.cancel-requested/2/1234');
    expect(parseDeadLetterId('payment.cancel-requested/2/1234')).toEqual(id);
  });

  it.each([
    '',
    'payment.completed',
    'payment.completed/0',
    'payment.completed/0/-1',
    'payment.completed/0/1/2',
    'payment.completed.dlq/0/1',
    'payment.unheard-of/0/1',
    'toString/0/1',
    'payment.completed/0/1\n',
  ])('is not %j', (text) => {
    expect(parseDeadLetterId(text)).toBeUndefined();
  });
});
