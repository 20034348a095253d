import { boundsOf, DEFAULT_BOUNDS } from '@mini-pg/auditor';
import { describe, expect, it } from 'vitest';
import { readAuditArguments, UsageError } from './audit-arguments.ts';

const ONCE = { mode: 'once', postgres: undefined, simulator: undefined, bounds: DEFAULT_BOUNDS };
const WATCH = {
  mode: 'watch',
  postgres: undefined,
  bounds: DEFAULT_BOUNDS,
  state: undefined,
  intervalMs: 5_000,
  port: 0,
};

describe('the arguments of audit', () => {
  it.each([
    [[], ONCE],
    [['--postgres', 'p', '--simulator', 's'], { ...ONCE, postgres: 'p', simulator: 's' }],
    [['--bound-ms', '0'], { ...ONCE, bounds: boundsOf(0) }],
    [['--watch'], WATCH],
    [
      ['--watch', '--state', 'f', '--interval-ms', '1', '--port', '9', '--bound-ms', '7'],
      { ...WATCH, state: 'f', intervalMs: 1, port: 9, bounds: boundsOf(7) },
    ],
    [['--watch', '--help'], 'help'],
  ])('%j', (args, expected) => {
    expect(readAuditArguments(args)).toEqual(expected);
  });

  it.each([
    [['--wach'], "Unknown option '--wach'"],
    [['watch'], 'Unexpected argument'],
    [['--bound-ms', '1.5'], '--bound-ms 1.5: give an integer from 0'],
    [['--bound-ms', 'soon'], '--bound-ms soon'],
    [['--watch', '--interval-ms', '0'], '--interval-ms 0: give an integer from 1 to 3600000'],
    [['--watch', '--port', '65536'], '--port 65536: give an integer from 0 to 65535'],
    [['--watch', '--postgres', 'x'], '--postgres: give a URL'],
    [['--watch', '--state', ''], '--state: give a value'],
    [['--watch', '--simulator', 's'], '--simulator: a watch leaves the ledger'],
    [['--state', 'f'], '--state needs --watch'],
    [['--interval-ms', '5'], '--interval-ms needs --watch'],
    [['--port', '5'], '--port needs --watch'],
  ])('%j are refused with what is wrong', (args, message) => {
    expect(() => readAuditArguments(args)).toThrow(UsageError);
    expect(() => readAuditArguments(args)).toThrow(message);
  });
});
