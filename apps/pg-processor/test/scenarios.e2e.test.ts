import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instances, startInstances } from './instances.ts';
import { attemptsOf, failureCodeOf, outcomesOf, type Requested } from './rig.ts';

const ENDS_WITHIN_MS = 60_000;

/**
 * What the simulator's scenarios end in: null for APPROVED, else the code of the failure. Those
 * that outlast the inquiry schedule take a minute: the tests of the whole system run them.
 */
const SCENARIOS: readonly (readonly [scenario: string, failure: string | null])[] = [
  ['approve', null],
  ['slow:2000', null],
  ['reset-before', null],
  ['reset-after-capture', null],
  ['500-after-capture', null],
  ['garbage', null],
  ['partial-after-capture', null],
  ['hang-after-capture', null],
  ['late:3000', null],
  ['not-found-for:4000', null],
  ['slow:1000,reset-after-capture', null],
  ['reset-before,500-after-capture', null],
  ['decline-once:CARD_PROCESSING_ERROR', null],
  ['decline:REJECT_CARD_COMPANY', 'CARD_DECLINED'],
  ['decline:REJECT_CARD_PAYMENT', 'INSUFFICIENT_FUNDS_OR_LIMIT'],
  ['decline:INVALID_STOPPED_CARD', 'INVALID_PAYMENT_METHOD'],
  ['decline:INVALID_PASSWORD', 'AUTHENTICATION_FAILED'],
  ['decline:UNAUTHORIZED_KEY', 'CONFIG_ERROR'],
  ['decline:MAINTAINED_METHOD', 'PROVIDER_UNAVAILABLE'],
  ['decline:FAILED_INTERNAL_SYSTEM_PROCESSING', 'CARD_DECLINED'],
  ['waiting-for-deposit', 'METHOD_NOT_SUPPORTED'],
];

describe('two instances before the simulator', () => {
  let instances: Instances;
  beforeAll(async () => {
    instances = await startInstances(['one', 'two']);
  });
  afterAll(() => instances.stop());

  it.concurrent.each(SCENARIOS)(
    '%s ends, with the failure %s',
    { timeout: ENDS_WITHIN_MS },
    async (scenario, failure) => {
      const [request] = (await instances.openWindows([scenario])) as [Requested];
      const { paymentId, orderId } = request;
      await instances.publish([request]);
      const [outcome] = await waitFor(
        async () => {
          const outcomes = await outcomesOf(instances.pool, paymentId);
          return outcomes.length > 0 && outcomes;
        },
        { what: `the end of ${scenario}`, timeoutMs: ENDS_WITHIN_MS, intervalMs: 250 },
      );
      expect(outcome?.kind).toBe(failure === null ? 'APPROVED' : 'FAILED');
      expect(await failureCodeOf(instances.pool, paymentId)).toBe(failure ?? undefined);

      const approved = (await attemptsOf(instances.pool, paymentId)).filter(
        ({ state, operation }) => state === 'APPROVED' && operation === 'APPROVE',
      );
      const captures = (await instances.ledger()).filter((row) => row.orderId === orderId);
      expect(captures).toHaveLength(failure === null ? 1 : 0);
      expect(approved.map(({ pg_transaction_id }) => pg_transaction_id)).toEqual(
        captures.map(({ pgTransactionId }) => pgTransactionId),
      );
    },
  );
});
