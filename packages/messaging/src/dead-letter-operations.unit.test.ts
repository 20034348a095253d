import { describe, expect, it } from 'vitest';
import { silent } from '../test/support.ts';
import { discardDeadLetter, replayDeadLetter } from './dead-letter-operations.ts';

describe('a decision without a name or a reason', () => {
  const cluster = { brokers: '127.0.0.1:1', topicPrefix: '', logger: silent };
  const id = { topic: 'payment.progressed', partition: 0, offset: 0 } as const;

  it.each([
    ['a blank reason', { by: 'kim', reason: ' ' }],
    ['a reason that is too long', { by: 'kim', reason: 'x'.repeat(201) }],
    ['no name', { by: '', reason: 'why' }],
  ])('is refused before anything is read: %s', async (_what, given) => {
    const decision = { ...given, at: new Date('2026-03-02T00:00:00Z') };
    for (const decide of [replayDeadLetter, discardDeadLetter]) {
      await expect(decide(cluster, id, decision)).rejects.toThrow('Too');
    }
  });
});
