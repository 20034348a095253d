import { describe, expect, it } from 'vitest';
import { describeResult, parseCloseArguments, UsageError } from './close-command.ts';

describe('the arguments of close', () => {
  it('are a date', () => {
    expect(parseCloseArguments(['--date', '2026-03-31'])).toEqual({ date: '2026-03-31' });
    expect(parseCloseArguments(['--date=2028-02-29'])).toEqual({ date: '2028-02-29' });
  });

  it.each([['--help'], ['-h'], ['--help', '--date', 'x']])('ask for help: %s %s %s', (...argv) => {
    expect(parseCloseArguments(argv.filter((one) => one !== undefined))).toEqual({ help: true });
  });

  it.each([
    [[], '--date is missing: give --date YYYY-MM-DD'],
    [['--date', ''], '--date "" is no date: give --date YYYY-MM-DD'],
    [['--date', '2026-3-1'], '--date "2026-3-1" is no date: give --date YYYY-MM-DD'],
    [['--date', '2026-02-29'], '--date "2026-02-29" is no date: give --date YYYY-MM-DD'],
    [['--date', '20260331'], '--date "20260331" is no date: give --date YYYY-MM-DD'],
    [['2026-03-31'], "Unexpected argument '2026-03-31': give --date YYYY-MM-DD, or --help"],
    [['--day', '2026-03-31'], "Unknown option '--day': give --date YYYY-MM-DD, or --help"],
  ])('%j are refused in one line', (argv, message) => {
    const parse = () => parseCloseArguments(argv);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(new UsageError(message));
  });

  it('refuse --date without a value in one line', () => {
    expect(() => parseCloseArguments(['--date'])).toThrow(/^[^\n]+: give --date YYYY-MM-DD/);
  });
});

describe('what close says', () => {
  const day = { date: '2026-03-31', tries: 1, statements: 2, factsHeld: 0n, totals: [] };
  const totals = { count: 3n, gross: 63_345n, fee: 2_090n, vat: 209n, net: 61_046n };

  it('of days that it closed', () => {
    const result = {
      outcome: 'closed',
      days: [
        { ...day, date: '2026-03-30', statements: 0 },
        { ...day, totals: [{ currency: 'KRW', ...totals }], factsHeld: 1n },
      ],
    } as const;
    expect(describeResult('2026-03-31', result)).toEqual([
      '2026-03-30 closed: 0 statements',
      '2026-03-31 closed: 2 statements',
      '2026-03-31 KRW: 3 items, gross 63345, fee 2090, VAT 209, net 61046',
      '2026-03-31 left out: 1 facts that lack a merchant, terms or payment; a later close takes them',
    ]);
  });

  it('of a day that is closed, and of one before it', () => {
    const result = { outcome: 'already-closed', lastClosed: '2026-03-31' } as const;
    expect(describeResult('2026-03-31', result)).toEqual([
      '2026-03-31 is already closed; nothing changed',
    ]);
    expect(describeResult('2026-03-01', result)).toEqual([
      '2026-03-01 is before 2026-03-31, the last closed day; nothing changed',
    ]);
  });
});
