import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryFrom, watchEndings } from './endings.ts';
import { ledgerEnd } from './gateway-ledger.ts';
import type { LivingSystem } from './living-system.ts';
import type { RowResult } from './row-result.ts';
import { type Order, startTraffic } from './traffic.ts';
import { brokenRules, inspect, verdictOver } from './verdict.ts';

/** Payments before and after: a system that is already, and still, at work. */
const WARM_UP_MS = 700;
const COOL_DOWN_MS = 700;
const RATE_PER_SECOND = 12;

/** What is done to a system at work. */
export interface Blow {
  readonly name: string;
  readonly what: string;
  /** Does it and mends it. */
  strike(living: LivingSystem, orders: readonly Order[]): Promise<Struck>;
  /** Afterwards, once the system is at rest. */
  tidy?(living: LivingSystem): Promise<void>;
}

export interface Struck {
  /** From when on the system may recover, on the monotonic clock. */
  readonly at: number;
  /** What was seen meanwhile that no right system shows. */
  readonly faults?: readonly string[];
}

/** One blow alone: traffic, the blow, traffic, rest, and what became of it all. */
export async function runAlone(living: LivingSystem, blow: Blow): Promise<RowResult> {
  const ledgerFrom = await ledgerEnd(living.system.simulator);
  const traffic = startTraffic(living.system, living.merchants, {
    name: `row${Date.now().toString(36)}`,
    ratePerSecond: RATE_PER_SECOND,
  });
  const endings = watchEndings(living, traffic.orders);
  try {
    await sleep(WARM_UP_MS);
    const struck = await blow.strike(living, traffic.orders);
    await sleep(COOL_DOWN_MS);
    await traffic.stop();
    const findings = await inspect(living, traffic.orders, ledgerFrom);
    await endings.stop();
    await blow.tidy?.(living);
    const seen = verdictOver(findings, traffic.orders, struck.faults);
    const rules = await brokenRules(living, seen);
    const verdict = { ...seen, faults: [...seen.faults, ...rules] };
    const recoveredMs = recoveryFrom(traffic.orders, struck.at);
    return { name: blow.name, what: blow.what, recoveredMs, ...verdict };
  } finally {
    traffic.abort();
    await endings.stop();
  }
}
