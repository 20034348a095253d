import { describe, expect, it } from 'vitest';
import { type ExceptionDetail, exceptionDetailLines, exceptionLines } from './exception-lines.ts';

const open: ExceptionDetail = {
  id: 'e-1',
  kind: 'LATE_CAPTURE',
  paymentId: 'p-1',
  attemptId: 'a-1',
  detail: { reason: 'captured\u001b[2J', amount: 15_000 },
  openedAt: '2026-03-02T01:00:00.000Z',
  resolvedAt: null,
  resolution: null,
  resolvedBy: null,
  resolvedAs: null,
  actions: [],
};

describe('exceptions on a terminal', () => {
  it('are a table, and what would command the terminal is shown', () => {
    const lines = exceptionLines([open]);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/^e-1 .*LATE_CAPTURE.* OPEN +captured\\u001b\[2J$/);
    expect(exceptionLines([])).toEqual(['No exceptions.']);
  });

  it('show how they ended and what was decided', () => {
    const at = '2026-03-02T02:00:00.000Z';
    const ended = { resolvedAt: at, resolution: 'T-1', resolvedBy: 'kim', resolvedAs: 'APPROVE' };
    const detail = { reason: 'T-1', pgSaid: 'DONE' };
    const actions = [{ at, operator: 'kim', action: 'APPROVE', detail }];
    const lines = exceptionDetailLines({ ...open, ...ended, actions });
    expect(lines).toContain(`state        APPROVE by kim at ${at}: T-1`);
    expect(lines.slice(-3)).toEqual([
      'decisions',
      `  ${at}  APPROVE by kim: T-1`,
      '    the PG said: DONE',
    ]);
  });
});
