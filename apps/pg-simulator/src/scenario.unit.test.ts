import { describe, expect, it } from 'vitest';
import { APPROVE, SCENARIO_TERMS, ScenarioReader } from './scenario.ts';

const reader = new ScenarioReader((code) => code === 'REJECT_CARD_COMPANY');

describe('a scenario', () => {
  const read: [string, object][] = [
    ['approve', {}],
    ['decline:REJECT_CARD_COMPANY', { outcome: 'DECLINE', declineCode: 'REJECT_CARD_COMPANY' }],
    ['decline-once:REJECT_CARD_COMPANY', { declineCode: 'REJECT_CARD_COMPANY' }],
    ['slow:3000', { slowMs: 3000 }],
    ['reset-before', { resetBefore: true }],
    ['reset-after-capture', { ending: 'RESET' }],
    ['500-after-capture', { ending: 'FAULT' }],
    ['garbage', { ending: 'GARBAGE' }],
    ['partial-after-capture', { ending: 'PARTIAL' }],
    ['hang', { outcome: 'HANG' }],
    ['hang-after-capture', { ending: 'HANG' }],
    ['late:2000', { ending: 'RESET', lateMs: 2000 }],
    ['not-found-for:5000', { ending: 'RESET', notFoundForMs: 5000 }],
    ['waiting-for-deposit', { outcome: 'DEPOSIT' }],
    ['slow:100, reset-after-capture', { slowMs: 100, ending: 'RESET' }],
    ['reset-before,slow:0,garbage', { resetBefore: true, slowMs: 0, ending: 'GARBAGE' }],
    ['not-found-for:10,500-after-capture', { ending: 'FAULT', notFoundForMs: 10 }],
    ['late:10,not-found-for:20', { ending: 'RESET', lateMs: 10, notFoundForMs: 20 }],
    [
      'slow:10,decline:REJECT_CARD_COMPANY',
      { outcome: 'DECLINE', slowMs: 10, declineCode: 'REJECT_CARD_COMPANY' },
    ],
  ];
  it.each<[string, object]>([
    [
      'cancel-decline:REJECT_CARD_COMPANY',
      { outcome: 'DECLINE', declineCode: 'REJECT_CARD_COMPANY' },
    ],
    ['cancel-decline-once:REJECT_CARD_COMPANY', { declineCode: 'REJECT_CARD_COMPANY' }],
    ['cancel-slow:30', { slowMs: 30 }],
    ['cancel-reset-before', { resetBefore: true }],
    ['cancel-reset-after', { ending: 'RESET' }],
    ['cancel-500-after', { ending: 'FAULT' }],
    ['cancel-garbage', { ending: 'GARBAGE' }],
    ['cancel-partial-after', { ending: 'PARTIAL' }],
    ['cancel-hang-after', { ending: 'HANG' }],
    ['cancel-hang', { outcome: 'HANG' }],
    ['cancel-late:20', { ending: 'RESET', lateMs: 20 }],
    ['cancel-reset-before,cancel-500-after', { resetBefore: true, ending: 'FAULT' }],
  ])('of cancels is read: %s', (text, differences) => {
    expect(reader.read(text)).toEqual({
      ...APPROVE,
      cancel: { ...APPROVE.cancel, ...differences },
    });
  });

  it('of cancels is joined with one of the confirm', () => {
    expect(reader.read('slow:5,cancel-slow:7,reset-after-capture')).toEqual({
      ...APPROVE,
      slowMs: 5,
      ending: 'RESET',
      cancel: { ...APPROVE.cancel, slowMs: 7 },
    });
  });

  it.each(read)('is read: %s', (text, differences) => {
    expect(reader.read(text)).toEqual({ ...APPROVE, ...differences });
  });

  const refused: [string, string][] = [
    ['', '"" is not a scenario'],
    ['boom', '"boom" is not a scenario'],
    ['approve:1', '"approve:1" is not a scenario'],
    ['toString', '"toString" is not a scenario'],
    ['slow', '"slow" is not a scenario'],
    ['slow:', 'the time is 0 to'],
    ['slow:-1', 'the time is 0 to'],
    ['slow:1e3', 'the time is 0 to'],
    ['slow:86400001', 'the time is 0 to'],
    ['decline:NO_SUCH_CODE', '"NO_SUCH_CODE" is no error code'],
    ['garbage,hang-after-capture', 'garbage and hang-after-capture cannot be joined'],
    ['decline:REJECT_CARD_COMPANY,garbage', 'cannot be joined'],
    ['hang,slow:5', 'hang and slow:5 cannot be joined'],
    ['late:5,slow:5', 'cannot be joined'],
    ['approve,approve', 'cannot be joined'],
    ['cancel-hang,cancel-slow:5', 'cannot be joined'],
    ['cancel-late:5,cancel-garbage', 'cannot be joined'],
    ['cancel-decline:NO_SUCH_CODE', '"NO_SUCH_CODE" is no error code'],
    ['x'.repeat(301), 'at most 300 characters'],
  ];
  it.each(refused)('is refused: %s', (text, reason) => {
    expect(() => reader.read(text)).toThrow(reason);
  });

  it('is held once for all payments of it', () => {
    expect(reader.read('slow:7,garbage')).toBe(reader.read('slow:7,garbage'));
  });

  it('has its terms listed as they are written', () => {
    expect(SCENARIO_TERMS).toContain('decline:<CODE>');
    expect(SCENARIO_TERMS).toContain('not-found-for:<ms>');
    expect(SCENARIO_TERMS).toHaveLength(26);
  });
});
