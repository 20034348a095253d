import type { PostgresPool } from '@mini-pg/database';
import { toJsonInteger } from '@mini-pg/domain';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseQuery } from './query.ts';

const querySchema = z.strictObject({ paymentId: z.uuid() });

interface CancelView {
  readonly amount: bigint | null;
  readonly taxFreeAmount: bigint;
  readonly remainingBefore: bigint | null;
  readonly remainingAfter: bigint | null;
}

const READ = `
  select id, payment_id as "paymentId", merchant_id as "merchantId", livemode, state, amount,
    tax_free_amount as "taxFreeAmount", reason, origin, remaining_before as "remainingBefore",
    remaining_after as "remainingAfter", sequence, event_id as "eventId", topic,
    (payload::jsonb -> 'data' -> 'failure') as failure,
    requested_at as "requestedAt", created_at as "createdAt", started_at as "startedAt",
    closed_at as "closedAt"
  from cancel where payment_id = $1 order by requested_at, id`;

/** `GET /cancels?paymentId`: every cancel of a payment, in the order in which they run. */
export function registerCancelRoutes(app: FastifyInstance, pool: PostgresPool): void {
  app.get('/cancels', async (request) => {
    const { paymentId } = parseQuery(querySchema, request.query);
    const { rows } = await pool.query<CancelView>(READ, [paymentId]);
    return { data: rows.map(inJson) };
  });
}

function inJson(cancel: CancelView) {
  return {
    ...cancel,
    amount: integerOrNull(cancel.amount),
    taxFreeAmount: toJsonInteger(cancel.taxFreeAmount),
    remainingBefore: integerOrNull(cancel.remainingBefore),
    remainingAfter: integerOrNull(cancel.remainingAfter),
  };
}

function integerOrNull(amount: bigint | null): number | null {
  return amount === null ? null : toJsonInteger(amount);
}
