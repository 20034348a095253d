import { describe, expect, it } from 'vitest';
import { readExceptionArguments, UsageError } from './exception-arguments.ts';

const ID = '01a212c0-f3ca-7372-92c3-898f3c4f7615';
const AS = ['--as', 'write-off', '--reason', 'x'];

describe('the arguments of exceptions', () => {
  it.each([
    [['list'], { verb: 'list', all: false, json: false }],
    [['list', '--all', '--json'], { verb: 'list', all: true, json: true }],
    [['show', ID, '--json'], { verb: 'show', id: ID, json: true }],
    [
      ['resolve', ID, '--as', 'cancel', '--reason', ' ticket 7 '],
      { verb: 'resolve', id: ID, resolution: 'cancel', reason: 'ticket 7', transaction: null },
    ],
    [
      ['resolve', '--as', 'approve', '--reason', 'x', '--transaction', 'tx', ID],
      { verb: 'resolve', id: ID, resolution: 'approve', reason: 'x', transaction: 'tx' },
    ],
  ])('%j', (args, request) => {
    expect(readExceptionArguments(args)).toEqual({ request, processor: undefined });
  });

  it('may name another pg-processor', () => {
    expect(readExceptionArguments(['list', '--url', 'http://a:1', '--token', 't'])).toMatchObject({
      processor: { url: 'http://a:1', token: 't' },
    });
  });

  it.each([
    [[], 'use list, show or resolve'],
    [['resolv', ID], 'resolv to do'],
    [['list', ID], 'Unexpected argument'],
    [['show'], 'the id of one exception'],
    [['show', ID, ID], 'the id of one exception'],
    [['show', '17'], '17 is no id of an exception'],
    [['resolve', ID, '--reason', 'x'], '--as: use cancel, write-off, approve'],
    [['resolve', ID, '--as', 'forget', '--reason', 'x'], '--as: use'],
    [['resolve', ID, '--as', 'cancel'], '--reason TEXT'],
    [['resolve', ID, '--as', 'cancel', '--reason', '  '], '--reason TEXT'],
    [['resolve', ID, '--as', 'cancel', '--reason', 'x'.repeat(201)], '--reason TEXT'],
    [['resolve', ID, ...AS, '--transaction', ''], '--transaction ID'],
    [['list', '--url', 'http://a:1'], '--url and --token'],
    [['list', '--token', 't'], '--url and --token'],
    [['list', '--url', 'a', '--token', 't'], '--url a'],
  ])('%j are refused with what is wrong', (args, message) => {
    expect(() => readExceptionArguments(args)).toThrow(UsageError);
    expect(() => readExceptionArguments(args)).toThrow(message);
  });
});
