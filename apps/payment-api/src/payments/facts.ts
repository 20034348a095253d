import { type DataOf, evolve, type PaymentState, requestedPayment } from '@mini-pg/domain';

/** The columns of a payment's creation. */
export interface PaymentRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly order_id: string;
  readonly order_name: string | null;
  readonly amount: bigint;
  readonly tax_free_amount: bigint;
  readonly currency: string;
  readonly pg: string;
  readonly metadata: Record<string, string>;
  readonly requested_at: Date;
  readonly expires_at: Date;
}

/** A cancel as it was asked for. The amount is always told: it is what was reserved. */
export type CancelRequestedData = DataOf<'payment.cancel-requested'> & { readonly amount: number };

/** A stored fact: its kind and the data of the event that told it. */
export type FactRow =
  | { readonly kind: 'APPROVED'; readonly data: DataOf<'payment.completed'> }
  | { readonly kind: 'FAILED'; readonly data: DataOf<'payment.failed'> }
  | { readonly kind: 'CANCEL_REQUESTED'; readonly data: CancelRequestedData }
  | { readonly kind: 'CANCELLED'; readonly data: DataOf<'payment.cancelled'> }
  | { readonly kind: 'CANCEL_FAILED'; readonly data: DataOf<'payment.cancel-failed'> }
  | { readonly kind: 'SETTLED'; readonly data: DataOf<'payment.settled'> };

/** Folds stored facts into the state of the payment. */
export function stateOf(creation: { amount: bigint }, facts: readonly FactRow[]): PaymentState {
  return facts.reduce<PaymentState>((state, fact) => {
    switch (fact.kind) {
      case 'APPROVED':
        return evolve(state, { type: 'approved', amount: BigInt(fact.data.amount) });
      case 'FAILED':
        return evolve(state, { type: 'failed' });
      case 'CANCELLED':
        return evolve(state, {
          type: 'cancelled',
          approvedAmount: BigInt(fact.data.amount),
          remainingAfter: BigInt(fact.data.remainingAfter),
        });
      case 'SETTLED':
        return evolve(state, { type: 'settled' });
      case 'CANCEL_REQUESTED':
      case 'CANCEL_FAILED':
        return state;
      default:
        return fact satisfies never;
    }
  }, requestedPayment(creation.amount));
}

/** The first outcome among facts in the order in which they were stored. */
export function firstOutcome(facts: readonly FactRow[]): FactRow | undefined {
  return facts.find((fact) => fact.kind === 'APPROVED' || fact.kind === 'FAILED');
}
