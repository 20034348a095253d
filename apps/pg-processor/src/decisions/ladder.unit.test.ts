import { type GatewayCapability, type Rung, TOSS_CAPABILITY } from '@mini-pg/pg-adapters';
import { describe, expect, it } from 'vitest';
import { isNetCancelNext } from './ladder.ts';

const WINDOW_MS = 60_000;

function pg(...rungs: Rung[]): Pick<GatewayCapability, 'ladders' | 'netCancel'> {
  return {
    ladders: { APPROVE: rungs, CANCEL: [], NET_CANCEL: ['NET_CANCEL', 'EXCEPTION'] },
    netCancel: { windowMs: WINDOW_MS, idempotent: true },
  };
}

describe('a net-cancel of an approval', () => {
  it('follows at once where the ladder begins with it', () => {
    const first = pg('NET_CANCEL', 'INQUIRE', 'EXCEPTION');
    expect(isNetCancelNext(first, null, 0)).toBe(true);
    expect(isNetCancelNext(first, 'INQUIRE', 0)).toBe(false);
  });

  it('follows the rung that it stands behind, and no other', () => {
    const second = pg('INQUIRE', 'NET_CANCEL', 'EXCEPTION');
    expect(isNetCancelNext(second, null, 0)).toBe(false);
    expect(isNetCancelNext(second, 'INQUIRE', 0)).toBe(true);
    expect(isNetCancelNext(second, 'RESEND', 0)).toBe(false);
    expect(isNetCancelNext(second, 'EXCEPTION', 0)).toBe(false);
  });

  it('is made within its window only', () => {
    const first = pg('NET_CANCEL', 'EXCEPTION');
    expect(isNetCancelNext(first, null, WINDOW_MS - 1)).toBe(true);
    expect(isNetCancelNext(first, null, WINDOW_MS)).toBe(false);
    expect(isNetCancelNext(first, null, null)).toBe(false);
  });

  it('is never made at a PG that has none', () => {
    for (const rung of [null, 'INQUIRE', 'RESEND', 'EXCEPTION'] as const) {
      expect(isNetCancelNext(TOSS_CAPABILITY, rung, 0)).toBe(false);
      expect(isNetCancelNext({ ...pg('NET_CANCEL'), netCancel: null }, rung, 0)).toBe(false);
    }
  });
});
