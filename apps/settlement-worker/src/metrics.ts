import { Counter, Gauge, Histogram, type Registry } from '@mini-pg/runtime';

const CLOSE_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 900];

/** What an operator watches of the books; `docs` of the service says when to alert. */
export interface SettlementMetrics {
  readonly factsStored: Counter;
  readonly reversalsBooked: Counter;
  readonly factsWithoutMerchant: Gauge;
  readonly factsWithoutTerms: Gauge;
  readonly factsWithoutPayment: Gauge;
  readonly factsHeldOldestSeconds: Gauge;
  readonly openFacts: Gauge;
  readonly negativeBalances: Gauge;
  readonly negativeBalanceOldestDays: Gauge;
  readonly lastClosedDate: Gauge;
  readonly daysOverdue: Gauge;
  readonly calendarLastYear: Gauge;
  readonly closes: Counter<'outcome'>;
  readonly closeSeconds: Histogram;
}

export function createSettlementMetrics(registry: Registry): SettlementMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  return {
    factsStored: new Counter({ name: 'facts_stored_total', help: 'New facts', registers }),
    reversalsBooked: new Counter({
      name: 'reversals_booked_total',
      help: 'Captures that no merchant heard of, booked to suspense and back; alert when it grows',
      registers,
    }),
    factsWithoutMerchant: gauge(
      'facts_without_merchant',
      'Live facts that wait for their merchant; alert when it stays above 0',
    ),
    factsWithoutTerms: gauge(
      'facts_without_terms',
      'Live facts older than the first terms of their merchant; alert above 0',
    ),
    factsWithoutPayment: gauge(
      'facts_without_payment',
      'Live cancels that wait for the fact of their payment; alert when it stays above 0',
    ),
    factsHeldOldestSeconds: gauge(
      'facts_held_oldest_seconds',
      'How long the oldest fact without merchant, terms or payment waits; alert above a day',
    ),
    openFacts: gauge('facts_open', 'Live facts without an item'),
    negativeBalances: gauge(
      'settlement_negative_balances',
      'Balances of merchants that the next statement is to pay off',
    ),
    negativeBalanceOldestDays: gauge(
      'settlement_negative_balance_oldest_days',
      'For how many days the oldest of them has not been paid off; alert above 30',
    ),
    lastClosedDate: gauge(
      'settlement_last_closed_timestamp_seconds',
      'Start of the last closed business day (UTC midnight of its date)',
    ),
    daysOverdue: gauge(
      'settlement_days_overdue',
      'Business days that should be closed and are not; alert above 0',
    ),
    calendarLastYear: gauge(
      'business_calendar_last_year',
      'The last year with a calendar; alert in December when it is this year',
    ),
    closes: new Counter({
      name: 'settlement_closes_total',
      help: 'Closes tried by the schedule; alert on the outcome failed',
      labelNames: ['outcome'],
      registers,
    }),
    closeSeconds: new Histogram({
      name: 'settlement_close_seconds',
      help: 'Time of a close by the schedule that closed something',
      buckets: CLOSE_SECONDS,
      registers,
    }),
  };
}
