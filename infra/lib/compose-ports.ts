import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { findFreePorts, type Log, portsFrom, REPOSITORY_DIR } from '@mini-pg/local-stack';
import type { Scale } from './scale.ts';

/** What the compose file publishes, and the variable that says where. */
export const PORT_VARIABLES = {
  'pg-processor': 'PG_PROCESSOR_PORT',
  'settlement-worker': 'SETTLEMENT_WORKER_PORT',
  'pg-simulator': 'PG_SIMULATOR_PORT',
  auditor: 'AUDITOR_PORT',
  postgres: 'POSTGRES_PORT',
  redis: 'REDIS_PORT',
  kafka: 'KAFKA_PORT',
  'payment-api': 'PAYMENT_API_PORT',
} as const;
type Published = keyof typeof PORT_VARIABLES;

const PORT_MAX = 65_535;

/** A port that the environment asks for cannot be had; the message says what to change. */
export class PortError extends Error {
  override readonly name = 'PortError';
}

type Choice = {
  /** What the user's environment asks for. */
  environment: Readonly<Record<string, string | undefined>>;
  scale: Scale;
  log: Log;
};

/**
 * The ports to publish, as values of the compose file's variables: those that the environment asks
 * for, else the ones of `.env` where they are free, else free ones.
 *
 * @throws PortError when a port is asked for that is taken, or a range that is too small
 */
export async function choosePorts({
  environment,
  scale,
  log,
}: Choice): Promise<Record<string, string>> {
  const usual = parseEnv(readFileSync(join(REPOSITORY_DIR, '.env'), 'utf8'));
  const taken = new Set<number>();
  const chosen: Record<string, string> = {};
  const published = Object.entries(PORT_VARIABLES) as [Published, string][];
  // Ranges last: they have others to go to, and shall not take a single port that is usual.
  published.sort(([one], [other]) => countOf(one, scale) - countOf(other, scale));
  for (const [name, variable] of published) {
    const count = countOf(name, scale);
    const asked = environment[variable];
    const wanted = { first: Number(usual[variable]), count };
    const range = asked
      ? await askedRange(`${variable}=${asked}`, asked, count)
      : { first: await findFreePorts(count, wanted.first, taken), count };
    if (!asked && range.first !== wanted.first) {
      log(`port ${text(wanted)} is taken: ${name} gets ${text(range)}`);
    }
    for (const port of portsFrom(range.first, range.count)) taken.add(port);
    chosen[variable] = text(range);
  }
  return chosen;
}

/** Ports in a row. */
export type Range = { first: number; count: number };

/**
 * Reads what the environment asks for: a port, or a range of at least `count`.
 *
 * @throws PortError that says what to give
 */
export function readRange(setting: string, asked: string, count: number): Range {
  const match = /^(?<first>\d{1,5})(?:-(?<last>\d{1,5}))?$/.exec(asked)?.groups;
  const first = Number(match?.first);
  const last = Number(match?.last ?? first);
  if (!match || first < 1 || last > PORT_MAX || last < first) {
    throw new PortError(`${setting}: give a port, or a range such as 8080-8089`);
  }
  if (last - first + 1 < count) {
    throw new PortError(`${setting}: ${count} instances need a range of at least ${count} ports`);
  }
  return { first, count: last - first + 1 };
}

async function askedRange(setting: string, asked: string, count: number): Promise<Range> {
  const range = readRange(setting, asked, count);
  // Of a longer range Docker takes what is free.
  if (range.count > count || (await findFreePorts(count, range.first)) === range.first)
    return range;
  throw new PortError(
    `${setting}: taken by another program; set another port, or none for a free one`,
  );
}

function countOf(name: Published, scale: Scale): number {
  return (scale as Partial<Record<Published, number>>)[name] ?? 1;
}

function text({ first, count }: Range): string {
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}
