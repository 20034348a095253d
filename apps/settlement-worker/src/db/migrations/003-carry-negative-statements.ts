import { type Kysely, sql } from 'kysely';

/**
 * A statement that comes to less than nothing pays nothing; the rest is carried into the merchant's
 * next statement of that mode and currency, until it is paid off.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table settlement
      add column carry_in bigint not null default 0
        constraint settlement_carry_in check (carry_in <= 0),
      add column payout bigint not null generated always as (greatest(carry_in + net, 0)) stored,
      add column carry_out bigint not null generated always as (least(carry_in + net, 0)) stored
  `.execute(db);
  await sql`
    create unique index settlement_once_a_day
    on settlement (merchant_id, livemode, currency, date)`.execute(db);
  await sql`
    create index settlement_negative
    on settlement (merchant_id, livemode, currency, date) where carry_out < 0`.execute(db);
  await carryWhatWasClosed(db);
}

/** A balance that never rises above 0 is the running sum less its highest point so far. */
async function carryWhatWasClosed(db: Kysely<unknown>): Promise<void> {
  await sql`
    update settlement set carry_in = carried.carry_in
    from (
      select id, lag(balance) over merchant as carry_in
      from (
        select id, merchant_id, livemode, currency, date,
          total - greatest(0, max(total) over merchant) as balance
        from (
          select id, merchant_id, livemode, currency, date,
            sum(net) over (partition by merchant_id, livemode, currency order by date) as total
          from settlement
        ) summed
        window merchant as (partition by merchant_id, livemode, currency order by date)
      ) balanced
      window merchant as (partition by merchant_id, livemode, currency order by date)
    ) carried
    where settlement.id = carried.id and carried.carry_in < 0`.execute(db);
}
