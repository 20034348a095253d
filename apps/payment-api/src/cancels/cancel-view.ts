import {
  CANCEL_ORIGINS,
  CANCEL_STATUSES,
  type CancellablePayment,
  type CancelStatus,
  type DataOf,
  failureSchema,
} from '@mini-pg/domain';
import { z } from 'zod';
import { type FactRow, type PaymentRow, stateOf } from '../payments/facts.ts';

const instant = z.iso.datetime().nullable();

/** A cancel as merchants read it (docs/reference/http.md): null where something is not known. */
export const cancelSchema = z
  .object({
    id: z.uuid(),
    paymentId: z.uuid(),
    status: z.enum(CANCEL_STATUSES),
    origin: z
      .enum(CANCEL_ORIGINS)
      .meta({ description: 'Who asked for it; `PG`: it was made there, unasked.' }),
    amount: z.int(),
    taxFreeAmount: z.int().meta({ description: 'Part of `amount`.' }),
    reason: z.string().nullable(),
    failure: failureSchema.nullable(),
    requestedAt: instant,
    cancelledAt: instant,
    failedAt: instant,
  })
  .meta({ id: 'Cancel' });

export type CancelView = z.infer<typeof cancelSchema>;

/**
 * The one rendering of a cancel, from facts of its payment. The first answer to a request and its
 * replays use it with the request and the first outcome, reads with all facts.
 *
 * @returns null when the facts tell nothing of such a cancel
 */
export function renderCancel(id: string, facts: readonly FactRow[]): CancelView | null {
  const parts = partsById(facts).get(id);
  return parts === undefined ? null : render(id, parts);
}

/** Every cancel of a payment by its time, whatever the order in which its facts were stored. */
export function renderCancels(facts: readonly FactRow[]): CancelView[] {
  return [...partsById(facts)]
    .map(([id, parts]) => render(id, parts))
    .sort((a, b) => compare(timeOf(a), timeOf(b)) || compare(a.id, b.id));
}

function render(id: string, parts: CancelParts): CancelView {
  const { requested, done, failed } = parts;
  const status = statusOf(parts);
  const amounts = amountsOf(parts);
  return {
    id,
    paymentId: parts.paymentId,
    status,
    origin: requested?.origin ?? 'PG',
    amount: amounts.amount,
    taxFreeAmount: amounts.taxFreeAmount,
    reason: requested?.reason ?? null,
    failure: status === 'FAILED' ? (failed?.failure ?? null) : null,
    requestedAt: requested?.requestedAt ?? null,
    cancelledAt:
      status === 'DONE' ? (done?.cancelledAt ?? parts.beforeApproval?.failedAt ?? null) : null,
    failedAt: status === 'FAILED' ? (failed?.failedAt ?? null) : null,
  };
}

/** The first outcome of a cancel among facts in the order in which they were stored. */
export function cancelOutcome(id: string, facts: readonly FactRow[]): FactRow | undefined {
  return facts.find((fact) => {
    if (fact.kind === 'CANCELLED' || fact.kind === 'CANCEL_FAILED')
      return fact.data.cancelId === id;
    return isBeforeApproval(fact);
  });
}

/** The cancels that are done by the failure of their payment: it was never charged. */
export function cancelsEndedBy(
  failed: DataOf<'payment.failed'>,
  facts: readonly FactRow[],
): string[] {
  return failed.failure.code === 'CANCELLED_BEFORE_APPROVAL' ? [...partsById(facts).keys()] : [];
}

/** The payment as the rule of cancels sees it. */
export function cancellableOf(
  creation: Pick<PaymentRow, 'amount' | 'tax_free_amount'>,
  facts: readonly FactRow[],
): CancellablePayment {
  return {
    state: stateOf(creation, facts),
    taxFreeAmount: creation.tax_free_amount,
    cancels: [...partsById(facts).values()].map((parts) => {
      const { amount, taxFreeAmount } = amountsOf(parts);
      return {
        status: statusOf(parts),
        amount: BigInt(amount),
        taxFreeAmount: BigInt(taxFreeAmount),
      };
    }),
  };
}

type DataOfFact<Kind extends FactRow['kind']> = Extract<FactRow, { kind: Kind }>['data'];

/** What the facts tell of one cancel: that it was asked for, that it was done, or both. */
interface CancelParts {
  readonly paymentId: string;
  requested?: DataOfFact<'CANCEL_REQUESTED'>;
  done?: DataOfFact<'CANCELLED'>;
  failed?: DataOfFact<'CANCEL_FAILED'>;
  /** The failure of a payment that was cancelled before the first call to its PG. */
  beforeApproval?: DataOfFact<'FAILED'> | undefined;
}

/** Cancels are known by what they take: a refusal alone takes nothing, and is of none. */
function partsById(facts: readonly FactRow[]): ReadonlyMap<string, CancelParts> {
  const byId = new Map<string, CancelParts>();
  const beforeApproval = facts.find(isBeforeApproval)?.data;
  const partsOf = ({ cancelId, paymentId }: { cancelId: string; paymentId: string }) => {
    const parts = byId.get(cancelId) ?? { paymentId, beforeApproval };
    byId.set(cancelId, parts);
    return parts;
  };
  for (const fact of facts) {
    if (fact.kind === 'CANCEL_REQUESTED') partsOf(fact.data).requested = fact.data;
    if (fact.kind === 'CANCELLED') partsOf(fact.data).done = fact.data;
  }
  for (const fact of facts) {
    const parts = fact.kind === 'CANCEL_FAILED' && byId.get(fact.data.cancelId);
    if (parts) parts.failed = fact.data;
  }
  return byId;
}

/** Money that moved outweighs a refusal. */
function statusOf({ done, failed, beforeApproval }: CancelParts): CancelStatus {
  if (done !== undefined) return 'DONE';
  if (failed !== undefined) return 'FAILED';
  return beforeApproval === undefined ? 'REQUESTED' : 'DONE';
}

function amountsOf({ requested, done }: CancelParts): { amount: number; taxFreeAmount: number } {
  if (done !== undefined) {
    return { amount: done.cancelAmount, taxFreeAmount: done.cancelTaxFreeAmount };
  }
  return { amount: requested?.amount ?? 0, taxFreeAmount: requested?.taxFreeAmount ?? 0 };
}

function isBeforeApproval(fact: FactRow): fact is Extract<FactRow, { kind: 'FAILED' }> {
  return fact.kind === 'FAILED' && fact.data.failure.code === 'CANCELLED_BEFORE_APPROVAL';
}

function timeOf(cancel: CancelView): string {
  return cancel.requestedAt ?? cancel.cancelledAt ?? '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
