import { type AttemptState, balanceOf, cancelableOf, mayMove, statusOf } from '@mini-pg/domain';
import type { SimulatedPayment } from './merchant-side.ts';
import type { Movement } from './simulated-pg.ts';
import type { Row } from './store/rows.ts';
import type { World } from './world.ts';

/** The money rules, held to a world after every step; the first that breaks is told. */
export class Rules {
  readonly #world: World;
  readonly #states = new Map<string, AttemptState>();
  readonly #outcomes = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** What is wrong at this moment; null when nothing is. */
  broken(): string | null {
    const { failures, database, payments } = this.#world;
    if (failures[0] !== undefined) return `the program failed: ${failures[0]}`;
    // What is written and not committed is not there yet.
    if (database.isBusyFor(null)) return null;
    return (
      this.#moves() ??
      this.#sourcesCapturedOnce() ??
      this.#sequences() ??
      this.#decidedOnce() ??
      firstOf(payments, (payment) => named(payment, payments, this.#payment(payment)))
    );
  }

  /** What is wrong once nothing is on its way any more. */
  brokenAtRest(): string | null {
    const { payments } = this.#world;
    return (
      this.broken() ??
      firstOf(payments, (payment) => named(payment, payments, this.#atRest(payment)))
    );
  }

  #payment(payment: SimulatedPayment): string | null {
    const captures = this.#movementsOf(payment, 'CAPTURE');
    const outcome = this.#outcomeOf(payment);
    if (captures.length > 1) return `is captured ${captures.length} times`;
    const told = outcome === undefined ? null : `${outcome.kind} ${outcome.event_id}`;
    const before = this.#outcomes.get(payment.id);
    if (before !== undefined && before !== told) return `was ${before}, is ${told}`;
    if (told !== null) this.#outcomes.set(payment.id, told);
    const { keepsPromises } = this.#world.pg;
    if (outcome?.kind === 'FAILED' && keepsPromises && this.#mayBeCaptured(payment)) {
      return 'is FAILED, and captured or about to be';
    }
    // Who acts on what a PG has promised is wrong once it does not keep it.
    if (!keepsPromises && this.#isDecidedOn(payment)) return null;
    return (
      (outcome?.kind === 'APPROVED' ? this.#approved(payment, captures) : null) ??
      this.#refunds(payment, captures) ??
      this.#projection(payment, outcome)
    );
  }

  #approved(payment: SimulatedPayment, [capture]: readonly Movement[]): string | null {
    const approved = this.#attemptsOf(payment).filter(
      ({ state, operation }) => state === 'APPROVED' && operation === 'APPROVE',
    );
    if (capture === undefined) return 'is APPROVED without a capture';
    if (approved.length !== 1) return `has ${approved.length} approved attempts`;
    const said = approved[0]?.pg_transaction_id;
    return said === capture.transactionId
      ? null
      : `says ${said}, the PG captured ${capture.transactionId}`;
  }

  /** Never more goes back than came, a cancel goes back once, and what is done is what went back. */
  #refunds(payment: SimulatedPayment, captures: readonly Movement[]): string | null {
    const refunds = this.#movementsOf(payment, 'REFUND');
    const captured = sumOf(captures);
    if (sumOf(refunds) > captured) return `gave back ${sumOf(refunds)} of ${captured}`;
    return firstOf(this.#world.database.rows('cancel'), (cancel) => {
      if (cancel.payment_id !== payment.id) return null;
      const own = this.#refundsOf(cancel, refunds);
      if (own.length > 1) return `gave back one cancel ${own.length} times`;
      const isMoved = cancel.state === 'DONE' && cancel.remaining_after !== null;
      if (isMoved && own[0]?.amount !== cancel.amount) {
        return `has a cancel of ${cancel.amount} DONE, the PG gave back ${own[0]?.amount ?? 0n}`;
      }
      const mayStill = own.length > 0 || this.#isRefundPending(cancel);
      return cancel.state === 'FAILED' && mayStill
        ? 'has a cancel FAILED, and given back or about to be'
        : null;
    });
  }

  #projection(payment: SimulatedPayment, outcome: Row | undefined): string | null {
    const { state, outcomes, cancels } = payment;
    if (outcomes.size > 1) return 'has two outcomes at payment-api';
    const left = cancelableOf({
      state,
      taxFreeAmount: 0n,
      cancels: cancels.map(({ status, amount }) => ({ status, amount, taxFreeAmount: 0n })),
    }).amount;
    if (left < 0n || left > state.amount) return `may be cancelled by ${left} more`;
    const open = cancels.filter(({ status }) => status === 'REQUESTED');
    const promised = open.reduce((sum, { amount }) => sum + amount, 0n);
    const balance = statusOf(state) === 'REQUESTED' ? state.amount : balanceOf(state);
    if (statusOf(state) !== 'FAILED' && promised > balance) {
      return `promises ${promised} of ${balance} to open cancels`;
    }
    const kind = state.failed ? 'FAILED' : 'APPROVED';
    if (outcomes.size === 0 || outcome?.kind === kind) return null;
    return `is ${outcome?.kind} here, ${kind} at payment-api`;
  }

  #atRest(payment: SimulatedPayment): string | null {
    const outcome = this.#outcomeOf(payment);
    const isOpen = this.#exceptionsOf(payment.id).some(({ resolved_at }) => resolved_at === null);
    if (isOpen || this.#isWrittenOff(payment)) {
      return this.#restOfAttempts(payment, ['READY', 'CALLING']);
    }
    if (outcome === undefined) return 'is lost: no outcome and no open exception';
    if (payment.outcomes.size === 0) return `is ${outcome.kind}, and payment-api never heard`;
    const open = payment.cancels.find(({ status }) => status === 'REQUESTED');
    if (open !== undefined) return `has a cancel of ${open.amount} without an end`;
    const captured = sumOf(this.#movementsOf(payment, 'CAPTURE'));
    const left = captured - sumOf(this.#movementsOf(payment, 'REFUND'));
    if (left > 0n && outcome.kind !== 'APPROVED') return 'is captured, and nobody knows';
    if (left !== balanceOf(payment.state)) {
      return `has a balance of ${balanceOf(payment.state)}, the PG holds ${left}`;
    }
    return this.#restOfAttempts(payment, ['READY', 'CALLING', 'UNKNOWN']);
  }

  #restOfAttempts(payment: SimulatedPayment, states: readonly unknown[]): string | null {
    const open = this.#attemptsOf(payment).find(({ state }) => states.includes(state));
    return open === undefined ? null : `rests with an attempt in ${open.state}`;
  }

  #moves(): string | null {
    return firstOf(this.#world.database.rows('attempt'), ({ id, state }) => {
      const [before, now] = [this.#states.get(String(id)), state as AttemptState];
      this.#states.set(String(id), now);
      if (before === undefined || before === now || mayMove(before, now)) return null;
      if (isByWay(before, now)) return null;
      const isUnclaimed = before === 'CALLING' && now === 'READY';
      // To a store that forgets claims, the attempt was READY all along.
      if (isUnclaimed && !this.#world.database.switches.keepsClaims) return null;
      return `an attempt moved from ${before} to ${now}`;
    });
  }

  #sourcesCapturedOnce(): string | null {
    const { keepsPromises, movements } = this.#world.pg;
    // Whoever executes when nobody expects it any more may do so after the source was free again.
    if (!keepsPromises) return null;
    const captures = movements.filter(({ kind }) => kind === 'CAPTURE');
    const bySource = Map.groupBy(captures, ({ paymentKey }) => paymentKey);
    return firstOf([...bySource.values()], ({ length }) =>
      length > 1 ? `one source is captured ${length} times` : null,
    );
  }

  /** Each event of a payment has a number of its own. */
  #sequences(): string | null {
    const rows = this.#world.database.rows('outbox');
    const events = [
      ...this.#world.published,
      ...rows.map(({ event_id, payload }) => ({
        eventId: String(event_id),
        payload: String(payload),
      })),
    ];
    const numbers = new Map<string, string>();
    return firstOf(events, ({ eventId, payload }) => {
      const { data } = JSON.parse(payload) as { data: { paymentId: string; sequence: number } };
      const key = `${data.paymentId} ${data.sequence}`;
      const other = numbers.get(key) ?? eventId;
      numbers.set(key, other);
      return other === eventId ? null : `two events of a payment have number ${data.sequence}`;
    });
  }

  #outcomeOf({ id }: SimulatedPayment): Row | undefined {
    return this.#world.database.row('outcome', id);
  }

  #movementsOf(payment: SimulatedPayment, kind: Movement['kind']): Movement[] {
    const keys = this.#attemptsOf(payment).map(({ idempotency_key }) => idempotency_key);
    return this.#world.pg.movements.filter(
      (movement) => movement.kind === kind && keys.includes(movement.key),
    );
  }

  #mayBeCaptured(payment: SimulatedPayment): boolean {
    return (
      (this.#isHeld(payment) && !this.#isDecidedOn(payment)) ||
      this.#attemptsOf(payment).some(
        ({ operation, idempotency_key }) =>
          operation === 'APPROVE' && this.#world.pg.isPending(String(idempotency_key)),
      )
    );
  }

  #isHeld(payment: SimulatedPayment): boolean {
    const captured = sumOf(this.#movementsOf(payment, 'CAPTURE'));
    return captured > sumOf(this.#movementsOf(payment, 'REFUND'));
  }

  /** An operator has had its money given back, or left. */
  #isDecidedOn({ id }: SimulatedPayment): boolean {
    return this.#world.database
      .rows('operator_action')
      .some(({ target }) => this.#exceptionsOf(id).some((row) => row.id === target));
  }

  #isWrittenOff({ id }: SimulatedPayment): boolean {
    return this.#exceptionsOf(id).some(({ resolved_as }) => resolved_as === 'WRITE_OFF');
  }

  #exceptionsOf(paymentId: string): Row[] {
    const rows = this.#world.database.rows('exception');
    return rows.filter(({ payment_id }) => payment_id === paymentId);
  }

  /** Of all decisions on an exception one closes it; `cancel` may be tried more than once. */
  #decidedOnce(): string | null {
    const { database } = this.#world;
    return firstOf(database.rows('exception'), ({ id }) => {
      const closing = database
        .rows('operator_action')
        .filter(({ target, action }) => target === id && action !== 'CANCEL');
      return closing.length > 1 ? `an exception is closed ${closing.length} times` : null;
    });
  }

  #refundsOf(cancel: Row, refunds: readonly Movement[]): Movement[] {
    const keys = this.#keysOfCancel(cancel);
    return refunds.filter(({ key }) => keys.includes(key));
  }

  #isRefundPending(cancel: Row): boolean {
    return this.#keysOfCancel(cancel).some((key) => this.#world.pg.isPending(key));
  }

  #keysOfCancel({ id }: Row): string[] {
    const attempts = this.#world.database.rows('attempt');
    return attempts.flatMap((row) => (row.cancel_id === id ? [String(row.idempotency_key)] : []));
  }

  #attemptsOf({ id }: SimulatedPayment): Row[] {
    return this.#world.database.rows('attempt').filter(({ payment_id }) => payment_id === id);
  }
}

/** Nobody looks while a transaction is open, so moves that follow each other may be seen as one. */
function isByWay(before: AttemptState, now: AttemptState): boolean {
  return ON_THE_WAY.some(
    (one) =>
      mayMove(before, one) &&
      (mayMove(one, now) || ON_THE_WAY.some((two) => mayMove(one, two) && mayMove(two, now))),
  );
}

const ON_THE_WAY = ['CALLING', 'UNKNOWN'] as const;

function named(
  payment: SimulatedPayment,
  payments: readonly SimulatedPayment[],
  problem: string | null,
): string | null {
  return problem === null ? null : `payment ${payments.indexOf(payment)} ${problem}`;
}

function sumOf(movements: readonly Movement[]): bigint {
  return movements.reduce((sum, { amount }) => sum + amount, 0n);
}

function firstOf<T>(items: readonly T[], problemOf: (item: T) => string | null): string | null {
  for (const item of items) {
    const problem = problemOf(item);
    if (problem !== null) return problem;
  }
  return null;
}
