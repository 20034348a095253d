/**
 * Runs every tier of tests: unit tests while the servers start, then the tests on real servers. What
 * turbo has seen pass on the same code and the same kind of servers is counted, not run again;
 * `--force` runs everything. Ends with the line `N passed, N failed`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  checkStackSettings,
  PICKED_VARIABLE,
  pickStack,
  REPOSITORY_DIR,
  type Site,
  type Stack,
  startStackOn,
} from '@mini-pg/local-stack';
import { runInSite } from '../lib/run-in-site.ts';
import { sumReports } from '../lib/test-results.ts';
import { runTurbo } from '../lib/turbo.ts';
import { workspacePackages } from '../lib/workspace.ts';

const TIERS = ['unit', 'int', 'e2e'] as const;
/** Each run of vitest has two workers, and the servers start at the same time. */
const UNIT_CONCURRENCY = 2;
/** Integration tests mostly wait for their servers, so two packages share two cores well. */
const INT_CONCURRENCY = 2;
/** An e2e test runs a whole system and has bounds on its waits: one at a time. */
const E2E_CONCURRENCY = 1;

const EXIT_USAGE = 2;

const force = readForce(process.argv.slice(2));
process.exit(await runInSite(runOrSayWhyNot));

/** Whatever keeps the tests from running is a failure, counted where CI looks for the count. */
async function runOrSayWhyNot(site: Site): Promise<number> {
  try {
    await checkStackSettings();
    return await runAllTests(site);
  } catch (error) {
    await site.close();
    console.log(`failed: ${error instanceof Error ? error.message : error}`);
    console.log('\n0 passed, 1 failed');
    return 1;
  }
}

async function runAllTests(site: Site): Promise<number> {
  const choice = await pickStack(site.log);
  const reports = expectedReports();
  // Turbo restores those of cached runs; none of an earlier run may be counted.
  for (const report of reports) rmSync(report, { force: true });
  const [stack, unit] = await Promise.all([
    startStackOn(site, choice),
    runTurbo(site.guardian, ['build', 'test:unit', ...flags(UNIT_CONCURRENCY)]),
  ]);
  const int = await runOnServers(site, stack, ['test:int', ...flags(INT_CONCURRENCY)]);
  // With the output of what is not run again, so that all ends with a summary of vitest.
  const e2e = await runOnServers(site, stack, ['test:e2e', ...flags(E2E_CONCURRENCY, 'full')]);
  // The servers' last words come before ours.
  await site.close();
  return conclude(reports, Math.max(unit, int, e2e));
}

function runOnServers(site: Site, stack: Stack, args: readonly string[]): Promise<number> {
  // Servers that were given may be others than those that an earlier run was given.
  const anew = stack.kind === 'external' && !force ? ['--force'] : [];
  return runTurbo(site.guardian, [...args, ...anew], {
    STACK: 'external',
    STACK_POSTGRES_URL: stack.postgresUrl,
    STACK_REDIS_URL: stack.redisUrl,
    STACK_KAFKA_BROKERS: stack.kafkaBrokers,
    // For turbo, too: what passed on one kind of servers says nothing about another.
    [PICKED_VARIABLE]: stack.kind,
  });
}

/** A failing package does not keep the others from being counted. */
function flags(concurrency: number, logs: 'new-only' | 'full' = 'new-only'): string[] {
  return [
    `--concurrency=${concurrency}`,
    '--continue=always',
    `--output-logs=${logs}`,
    ...(force ? ['--force'] : []),
  ];
}

function expectedReports(): string[] {
  return workspacePackages().flatMap(({ folder, scripts }) =>
    TIERS.filter((tier) => scripts[`test:${tier}`]).map((tier) =>
      join(REPOSITORY_DIR, folder, '.test-results', `${tier}.json`),
    ),
  );
}

function conclude(reports: readonly string[], turboCode: number): number {
  const { passed, failed, mishaps } = sumReports(reports);
  for (const mishap of mishaps) console.log(`failed: ${mishap}`);
  if (turboCode !== 0 && failed + mishaps.length === 0) {
    mishaps.push('a task failed outside of the tests; see above');
    console.log(`failed: ${mishaps.at(-1)}`);
  }
  console.log(`\n${passed} passed, ${failed + mishaps.length} failed`);
  return failed + mishaps.length === 0 && passed > 0 ? 0 : 1;
}

function readForce(args: string[]): boolean {
  try {
    const options = { force: { type: 'boolean' } } as const;
    return parseArgs({ args, options, strict: true }).values.force === true;
  } catch (error) {
    console.error(`test: ${error instanceof Error ? error.message : error}`);
    process.exit(EXIT_USAGE);
  }
}
