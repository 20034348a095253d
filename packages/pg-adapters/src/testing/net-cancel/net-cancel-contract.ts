import type { PaymentSource } from '@mini-pg/domain';
import type { Secret } from '@mini-pg/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gateway, GatewayCall, NetCancelAnswer, PgAnswer } from '../../gateway.ts';
import { expectSoundLadders } from '../contract.ts';

/** How a payment at the stand-in behaves when it is approved, and when it is net-cancelled. */
export const NET_CANCEL_BEHAVIOURS = [
  'approved, answer lost',
  'never approved',
  'net-cancelled, answer lost',
  'net-cancelled, answer unreadable',
  'net-cancel lost on its way',
  'net-cancelled, without a word of what',
  'window over',
] as const;

export type NetCancelBehaviour = (typeof NET_CANCEL_BEHAVIOURS)[number];

export interface NetCancelPayment {
  readonly source: PaymentSource;
  readonly pgOrderId: string;
  readonly amount: bigint;
}

export interface NetCancelStand {
  readonly baseUrl: string;
  readonly secret: Secret;
  open(behaviour: NetCancelBehaviour): NetCancelPayment;
  /** The stand-in's truth about money, in order. */
  moves(payment: NetCancelPayment): readonly ('CAPTURE' | 'CANCEL')[];
  close(): Promise<void>;
}

export interface NetCancelSubject {
  createGateway(): Gateway;
  start(): Promise<NetCancelStand>;
}

const TIMEOUTS = { connectMs: 5_000, readMs: 5_000 };

/** What every gateway with a net-cancel must do. Money is read from the stand-in's own books. */
export function netCancelContract(name: string, subject: NetCancelSubject): void {
  describe(`the contract of a net-cancel, held by ${name}`, () => {
    let gateway: Gateway;
    let stand: NetCancelStand;
    beforeAll(async () => {
      stand = await subject.start();
      gateway = subject.createGateway();
    });
    afterAll(async () => {
      await gateway.close();
      await stand.close();
    });

    const call = (): GatewayCall => ({
      account: { pgAccountId: 'contract', baseUrl: stand.baseUrl, secret: stand.secret },
      idempotencyKey: null,
      timeouts: TIMEOUTS,
    });
    const about = ({ source, pgOrderId, amount }: NetCancelPayment) => ({
      ...{ source, pgOrderId, amount },
      ...{ currency: 'KRW', taxFreeAmount: 0n },
    });
    const approve = (payment: NetCancelPayment): Promise<PgAnswer> =>
      gateway.approve(about(payment), call());
    const netCancel = (payment: NetCancelPayment): Promise<NetCancelAnswer> => {
      if (!gateway.netCancel) throw new Error('the gateway has no net-cancel');
      return gateway.netCancel(about(payment), call());
    };
    /** By the payment id, which a source of this kind names. */
    const inquire = ({ source }: NetCancelPayment): Promise<PgAnswer> => {
      const { pgPaymentId } = gateway.sourceOf(source);
      return gateway.inquire({ by: 'PAYMENT', pgPaymentId: pgPaymentId ?? '' }, call());
    };

    it('has ladders that its facts bear out', () => expectSoundLadders(gateway));

    it('undoes an approval whose answer was lost, and shows what stood', async () => {
      const payment = stand.open('approved, answer lost');
      expect((await approve(payment)).kind).toBe('NO_ANSWER');
      expect(await netCancel(payment)).toMatchObject(undone(payment));
      expect(await inquire(payment)).toMatchObject({ kind: 'PAYMENT', state: 'CANCELLED' });
      expect(stand.moves(payment)).toEqual(['CAPTURE', 'CANCEL']);
    });

    it('leaves an approval that was undone no way to be executed again', async () => {
      const payment = stand.open('approved, answer lost');
      await approve(payment);
      await netCancel(payment);
      await approve(payment);
      expect(stand.moves(payment)).toEqual(['CAPTURE', 'CANCEL']);
    });

    it('finds nothing to undo where nothing was approved', async () => {
      const payment = stand.open('never approved');
      expect((await approve(payment)).kind).toBe('NO_ANSWER');
      expect(await netCancel(payment)).toMatchObject(NOTHING);
      expect(stand.moves(payment)).toEqual([]);
    });

    it('gives back once, however often it is repeated', async () => {
      const payment = stand.open('approved, answer lost');
      await approve(payment);
      await netCancel(payment);
      const again = await netCancel(payment);
      expect(again).toMatchObject(
        gateway.capability.netCancel?.idempotent ? { kind: 'UNDONE' } : ALREADY,
      );
      expect(stand.moves(payment)).toEqual(['CAPTURE', 'CANCEL']);
    });

    it.each([
      ['net-cancelled, answer lost', 'NO_ANSWER'],
      ['net-cancelled, answer unreadable', 'UNKNOWN'],
    ] as const)('ends without an outcome (%s: %s) and is found by inquiry', async (how, kind) => {
      const payment = stand.open(how);
      await approve(payment);
      expect(await netCancel(payment)).toMatchObject({
        ...{ kind, error: { code: 'OUTCOME_UNKNOWN' } },
      });
      const { amount } = payment;
      expect(await inquire(payment)).toMatchObject({
        state: 'CANCELLED',
        payment: { balanceAmount: 0n, cancels: [{ amount }] },
      });
      expect(stand.moves(payment)).toEqual(['CAPTURE', 'CANCEL']);
    });

    it('is seen not done where its own bytes were lost, and a repeat does it', async () => {
      const payment = stand.open('net-cancel lost on its way');
      await approve(payment);
      expect((await netCancel(payment)).kind).toBe('NO_ANSWER');
      expect(await inquire(payment)).toMatchObject({ kind: 'PAYMENT', state: 'PAID' });
      expect(await netCancel(payment)).toMatchObject({ kind: 'UNDONE' });
      expect(stand.moves(payment)).toEqual(['CAPTURE', 'CANCEL']);
    });

    it('may confirm without showing what stood', async () => {
      const payment = stand.open('net-cancelled, without a word of what');
      await approve(payment);
      expect(await netCancel(payment)).toMatchObject({ kind: 'UNDONE', shown: null });
      expect(stand.moves(payment)).toEqual(['CAPTURE', 'CANCEL']);
    });

    it('is refused when it comes too late, and the approval stands', async () => {
      const payment = stand.open('window over');
      await approve(payment);
      expect(await netCancel(payment)).toMatchObject({
        ...{ kind: 'REFUSED', error: { code: 'NOT_CANCELABLE' } },
      });
      expect(await inquire(payment)).toMatchObject({ kind: 'PAYMENT', state: 'PAID' });
      expect(stand.moves(payment)).toEqual(['CAPTURE']);
    });

    it('sends nothing where the caller may not send any more', async () => {
      const payment = stand.open('approved, answer lost');
      await approve(payment);
      const answer = await gateway.netCancel?.(about(payment), {
        ...call(),
        maySend: () => false,
      });
      expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'WITHHELD' });
      expect(stand.moves(payment)).toEqual(['CAPTURE']);
    });
  });
}

const NOTHING = { kind: 'REFUSED', error: { code: 'NOT_FOUND' } };
const ALREADY = { kind: 'REFUSED', error: { code: 'ALREADY_PROCESSED' } };

function undone({ pgOrderId, amount }: NetCancelPayment) {
  return {
    kind: 'UNDONE',
    shown: {
      payment: {
        ...{ pgOrderId, amount, balanceAmount: 0n },
        pgTransactionId: expect.any(String),
        approvedAt: expect.stringMatching(/Z$/),
      },
      cancel: { pgTransactionId: expect.any(String), amount, at: expect.stringMatching(/Z$/) },
    },
  };
}
