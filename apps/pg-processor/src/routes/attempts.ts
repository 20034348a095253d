import type { PostgresPool } from '@mini-pg/database';
import { toJsonInteger } from '@mini-pg/domain';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseQuery } from './query.ts';

const querySchema = z.strictObject({ paymentId: z.uuid() });

interface AttemptView {
  readonly amount: bigint;
  readonly cancelAmount: bigint | null;
}

/** Everything but what is sealed, and the keys that the PG takes as ours. */
const READ = `
  select id, payment_id as "paymentId", merchant_id as "merchantId", livemode, operation, number,
    state, pg, pg_account_id as "pgAccountId", order_id as "orderId",
    pg_order_id as "pgOrderId", amount, currency, cancel_id as "cancelId",
    cancel_amount as "cancelAmount", requested_at as "requestedAt",
    expires_at as "expiresAt", called_at as "calledAt", deadline_at as "deadlineAt", reached,
    answered, inquiry_count as "inquiryCount", next_inquiry_at as "nextInquiryAt",
    resend_count as "resendCount", follow_up_count as "followUpCount",
    next_follow_up_at as "nextFollowUpAt", pg_payment_id as "pgPaymentId",
    pg_transaction_id as "pgTransactionId", pg_status as "pgStatus", pg_code as "pgCode",
    pg_trace_id as "pgTraceId", http_status as "httpStatus", method_detail as "methodDetail",
    failure, approved_at as "approvedAt", closed_at as "closedAt", created_at as "createdAt",
    updated_at as "updatedAt"
  from attempt where payment_id = $1 order by created_at, operation, number`;

/** `GET /attempts?paymentId`: every call of a payment to its PG, oldest first. */
export function registerAttemptRoutes(app: FastifyInstance, pool: PostgresPool): void {
  app.get('/attempts', async (request) => {
    const { paymentId } = parseQuery(querySchema, request.query);
    const { rows } = await pool.query<AttemptView>(READ, [paymentId]);
    return { data: rows.map(inJson) };
  });
}

function inJson(attempt: AttemptView) {
  const { amount, cancelAmount } = attempt;
  return {
    ...attempt,
    amount: toJsonInteger(amount),
    cancelAmount: cancelAmount === null ? null : toJsonInteger(cancelAmount),
  };
}
