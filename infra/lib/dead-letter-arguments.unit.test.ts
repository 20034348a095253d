import { describe, expect, it } from 'vitest';
import { readDeadLetterArguments, UsageError } from './dead-letter-arguments.ts';

const ID = 'payment.completed/0/17';
const id = { topic: 'payment.completed', partition: 0, offset: 17 };

describe('the arguments of dead-letters', () => {
  it.each([
    [['list'], { verb: 'list', topic: undefined, all: false, json: false }],
    [
      ['list', '--topic', 'payment.failed', '--all', '--json'],
      { verb: 'list', topic: 'payment.failed', all: true, json: true },
    ],
    [['show', ID, '--json'], { verb: 'show', id, json: true }],
    [
      ['replay', '--reason', ' mended ', ID, '--by', 'kim'],
      { verb: 'replay', id, reason: 'mended', by: 'kim' },
    ],
    [['discard', ID, '--reason', 'x'], { verb: 'discard', id, reason: 'x', by: undefined }],
  ])('%j', (args, request) => {
    expect(readDeadLetterArguments(args)).toEqual({ request, cluster: undefined });
  });

  it('may name another cluster, and its prefix', () => {
    const args = ['show', ID, '--kafka', 'a:1,b:2'];
    expect(readDeadLetterArguments(args)).toMatchObject({
      cluster: { brokers: 'a:1,b:2', topicPrefix: '' },
    });
    expect(readDeadLetterArguments([...args, '--topic-prefix', 'p.'])).toMatchObject({
      cluster: { topicPrefix: 'p.' },
    });
  });

  it.each([
    [[], 'use list, show, replay or discard'],
    [['replya', ID], 'replya to do: use list'],
    [['list', '--topic', 'payment.heard'], 'payment.heard: there are payment.requested,'],
    [['list', ID], 'Unexpected argument'],
    [['list', '--reason', 'x'], "Unknown option '--reason'"],
    [['show'], 'the id of one letter'],
    [['show', ID, ID], 'the id of one letter'],
    [['show', '17'], '17 is no id of a letter'],
    [['replay', ID], '--reason TEXT'],
    [['discard', ID, '--reason', '  '], '--reason TEXT'],
    [['discard', ID, '--reason', 'x'.repeat(201)], '--reason TEXT'],
    [['discard', ID, '--reason', 'x', '--by', ''], '--by NAME'],
    [['discard', ID, '--reason', 'x', '--kafka', 'a:1'], '--by NAME'],
    [['list', '--kafka', ''], '--kafka'],
    [['list', '--topic-prefix', 'p.'], '--topic-prefix needs --kafka'],
  ])('%j are refused with what is wrong', (args, message) => {
    expect(() => readDeadLetterArguments(args)).toThrow(UsageError);
    expect(() => readDeadLetterArguments(args)).toThrow(message);
  });
});
