import { randomUUID } from 'node:crypto';
import { createGateway } from '@mini-pg/pg-adapters';
import { type GatewayStand, gatewayContract } from '@mini-pg/pg-adapters/testing';
import { Secret } from '@mini-pg/runtime';
import { buildSimulator } from '../app.ts';

const READ_MS = 1_000;
const AMOUNT = 15_000;

gatewayContract('Toss, against the simulator', {
  createGateway: () => createGateway('toss'),
  start: startStand,
  behaviours: {
    approved: 'approve',
    slow: 'slow:50',
    'slower than the timeout': 'slow:1500',
    'unavailable once': 'decline-once:CARD_PROCESSING_ERROR',
    'reset before capture': 'reset-before',
    'reset after capture': 'reset-after-capture',
    hang: 'hang',
    'hang after capture': 'hang-after-capture',
    'fault after capture': '500-after-capture',
    'malformed answer': 'garbage',
    'half an answer': 'partial-after-capture',
    'captured late': 'late:300',
    'invisible for a while': 'not-found-for:500',
    'waiting for deposit': 'waiting-for-deposit',
    'cancel unavailable once': 'cancel-decline-once:CARD_PROCESSING_ERROR',
    'cancel reset before': 'cancel-reset-before',
    'cancel reset after': 'cancel-reset-after',
    'cancel hang after': 'cancel-hang-after',
    'cancel slower than the timeout': 'cancel-slow:1500',
    'cancel fault after': 'cancel-500-after',
    'cancel malformed answer': 'cancel-garbage',
    'cancel half an answer': 'cancel-partial-after',
  },
  declines: {
    CARD_DECLINED: 'decline:REJECT_CARD_COMPANY',
    INSUFFICIENT_FUNDS_OR_LIMIT: 'decline:REJECT_CARD_PAYMENT',
    INVALID_PAYMENT_METHOD: 'decline:INVALID_STOPPED_CARD',
    AUTHENTICATION_FAILED: 'decline:INVALID_PASSWORD',
    INVALID_REQUEST: 'decline:BELOW_MINIMUM_AMOUNT',
  },
});

async function startStand(): Promise<GatewayStand> {
  const app = buildSimulator();
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    baseUrl,
    secret: new Secret('test_sk_contract'),
    wrongSecret: new Secret('test_ck_contract'),
    readMs: READ_MS,
    async open(scenario, pgOrderId = `order-${randomUUID()}`) {
      const payload = { orderId: pgOrderId, amount: AMOUNT, scenario };
      const answer = await app.inject({ method: 'POST', url: '/_sim/toss/windows', payload });
      const { paymentKey } = answer.json<{ paymentKey: string }>();
      return {
        source: { kind: 'window', pg: 'toss', paymentKey },
        pgOrderId,
        amount: BigInt(AMOUNT),
      };
    },
    async ledger(pgOrderId) {
      const answer = await app.inject(`/_sim/ledger?orderId=${pgOrderId}`);
      const { data } = answer.json<{ data: { kind: 'CAPTURE' | 'CANCEL'; amount: number }[] }>();
      return data.map(({ kind, amount }) => ({ kind, amount: BigInt(amount) }));
    },
    close: () => app.close(),
  };
}
