import type { PgPayment } from '@mini-pg/pg-adapters';
import type { Expected, ProvenPayment } from './decision.ts';

/**
 * In what a PG's payment differs from the one asked for; empty when it is ours: what an answer
 * proves (docs/explanation/money-stays-single.md).
 * An order number alone is no proof: it is not unique per account.
 */
export function differencesOf(payment: PgPayment, expected: Expected): string[] {
  const differences = identityDifferencesOf(payment, expected);
  if (payment.amount !== expected.amount) {
    differences.push(`amount ${payment.amount}, expected ${expected.amount}`);
  }
  if (payment.currency !== expected.currency) {
    differences.push(`currency ${payment.currency}, expected ${expected.currency}`);
  }
  return differences;
}

/** The same, of what says whose payment it is. */
export function identityDifferencesOf(payment: PgPayment, expected: Expected): string[] {
  const differences: string[] = [];
  if (expected.pgPaymentId !== null && payment.pgPaymentId !== expected.pgPaymentId) {
    differences.push('the payment id is not that of the source');
  }
  if (payment.pgOrderId !== expected.pgOrderId) {
    differences.push(`order ${payment.pgOrderId}, expected ${expected.pgOrderId}`);
  }
  return differences;
}

/** The payment as proof of an approval; null when it lacks its transaction or its time. */
export function provenOf(payment: PgPayment): ProvenPayment | null {
  const { pgTransactionId, approvedAt } = payment;
  if (pgTransactionId === null || approvedAt === null) return null;
  return { ...payment, pgTransactionId, approvedAt };
}
