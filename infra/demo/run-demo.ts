import { audit, boundsOf, formatReport, verdictLine } from '@mini-pg/auditor';
import { businessDateOf } from '@mini-pg/domain';
import { withProgress } from '@mini-pg/local-stack';
import { Checks } from './checks.ts';
import { MerchantClient, registerMerchant } from './clients.ts';
import type { DemoSystem } from './demo-system.ts';
import { nextSteps } from './next-steps.ts';
import { awaitOutcomes, awaitSettled } from './outcomes.ts';
import { planDay, SHOPS, type Shop } from './plan.ts';
import { type Market, makeSales } from './sales.ts';
import {
  checkLostAnswer,
  loseAnAnswer,
  returnPart,
  tryRepeats,
  tryTwoKeys,
  tryWaiting,
} from './special-cases.ts';
import {
  awaitStatements,
  checkStatements,
  type DateRange,
  type Day,
  type ShopStatement,
  statementTable,
} from './statements.ts';

/** Everything has come to rest by then, so hardly anything may still be on its way. */
const AUDIT_BOUND_MS = 5_000;

/** Of the payment that was waited for. */
const RETURNED_WON = 14_600;

type Print = (line: string) => void;

interface DemoRun {
  readonly system: DemoSystem;
  readonly print: Print;
  readonly checks: Checks;
}

export interface DemoResult {
  readonly checks: Checks;
  /** Where to look now, and how to make a payment by hand. */
  readonly nextSteps: readonly string[];
}

/** A day of three shops, from their first request to their statements. */
export async function runDemo(system: DemoSystem, print: Print): Promise<DemoResult> {
  const run = { system, print, checks: new Checks(print) };
  const from = businessDateOf(new Date());
  print('\n1. Three merchants register, each with terms of its own');
  const keys = await registerShops(run);
  const clients = new Map(
    [...keys].map(([shop, key]) => [shop, new MerchantClient(system.api, key)]),
  );
  const market: Market = { simulator: system.simulator, clientOf: (shop) => found(clients, shop) };

  const day = await sell(run, market);
  print('\n4. The business day is closed');
  const dates = { from, to: businessDateOf(new Date()) };
  const statements = await settle(run, market, day, dates);
  print('\n5. The auditor compares every schema with the ledger of the gateway');
  await auditAll(run);
  const secretKey = found(keys, SHOPS[0]);
  return { checks: run.checks, nextSteps: nextSteps(system, secretKey, statements) };
}

async function registerShops({ system, print }: DemoRun): Promise<Map<Shop, string>> {
  const keys = new Map<Shop, string>();
  for (const shop of SHOPS) {
    keys.set(shop, await registerMerchant(system.api, system.adminToken, shop));
    const { feePpm, fixedFee, vatMode, payoutDays } = shop.terms;
    const fixed = fixedFee > 0 ? ` + ${fixedFee} won` : '';
    const vat = vatMode === 'EXCLUSIVE' ? 'VAT on top' : 'VAT included';
    const payout = `${payoutDays} business day${payoutDays === 1 ? '' : 's'}`;
    print(`  ${shop.name}: ${feePpm / 10_000} %${fixed}, ${vat}, paid out after ${payout}`);
  }
  return keys;
}

async function sell({ print, checks }: DemoRun, market: Market): Promise<Day> {
  const planned = planDay();
  print(`\n2. ${planned.length} payments, some of them twice, wrong or with a fault on the way`);
  const lost = await loseAnAnswer(market, SHOPS[2]);
  const sales = await counted('payments taken', planned.length, print, (count) =>
    makeSales(market, planned, count),
  );
  checks.that(`${sales.length} payments are taken, each with 202`, true);
  const [twoKeys, waited] = await withProgress('  trying what goes wrong', print, async () => {
    await tryRepeats(sales, checks);
    return [
      await tryTwoKeys(market, SHOPS[0], checks),
      await tryWaiting(market, SHOPS[1], checks),
    ] as const;
  });

  print('\n3. Every payment comes to its outcome');
  const all = [...sales, lost, twoKeys, waited];
  await counted('outcomes', all.length, print, (count) => awaitOutcomes(all, checks, count));
  await checkLostAnswer(lost, checks);
  const returned = await returnPart(waited, RETURNED_WON, checks);
  return { sales: all, returns: [returned] };
}

async function settle(
  { system, print, checks }: DemoRun,
  market: Market,
  day: Day,
  dates: DateRange,
): Promise<ShopStatement[]> {
  const close = await withProgress(`  closing ${dates.to}`, print, () => system.close(dates.to));
  const said = close.output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  for (const line of said) print(`  ${line}`);
  checks.that(`the close of ${dates.to} (Asia/Seoul) succeeds`, close.code === 0, close.output);
  const shops = SHOPS.map((shop) => ({ shop, client: market.clientOf(shop) }));
  const statements = await withProgress('  statements reach the merchants', print, () =>
    awaitStatements(shops, day, dates),
  );
  print('');
  for (const line of statementTable(statements)) print(`  ${line}`);
  print('');
  await checkStatements(statements, day, checks);
  await withProgress('  payments become SETTLED', print, () =>
    awaitSettled(day.sales, day.returns, checks),
  );
  return statements;
}

async function auditAll({ system, print, checks }: DemoRun): Promise<void> {
  const report = await withProgress('  auditing', print, () =>
    audit({
      postgresUrl: system.postgres,
      simulatorUrl: system.simulator,
      bounds: boundsOf(AUDIT_BOUND_MS),
    }),
  );
  if (!report.clean) print(formatReport(report));
  print(`  ${verdictLine(report)}`);
  checks.that('the verdict of the auditor is clean', report.clean);
}

/** Shows how far it is when it takes long. */
async function counted<T>(
  what: string,
  total: number,
  print: Print,
  work: (count: () => void) => Promise<T>,
): Promise<T> {
  let done = 0;
  return withProgress(
    what,
    (line) => print(`  ${line} (${done} of ${total})`),
    () =>
      work(() => {
        done += 1;
      }),
  );
}

function found<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error('a shop that is not registered');
  return value;
}
