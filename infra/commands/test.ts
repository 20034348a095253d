/**
 * Runs every tier of tests: unit tests through turbo's cache while the servers start, then the
 * tests on real servers, which are never cached. Ends with the line `N passed, N failed`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
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

process.exit(await runInSite(runAllTests));

async function runAllTests(site: Site): Promise<number> {
  const reports = expectedReports();
  // Turbo restores those of cached runs; none of an earlier run may be counted.
  for (const report of reports) rmSync(report, { force: true });
  const choice = await pickStack(site.log);
  const [stack, unit] = await Promise.all([
    startStackOn(site, choice),
    runTurbo(site.guardian, ['build', 'test:unit', ...flags(UNIT_CONCURRENCY)]),
  ]);
  const int = await runOnServers(site, stack, 'test:int', INT_CONCURRENCY);
  const e2e = await runOnServers(site, stack, 'test:e2e', E2E_CONCURRENCY);
  // The servers' last words come before ours.
  await site.close();
  return conclude(reports, Math.max(unit, int, e2e));
}

function runOnServers(
  site: Site,
  stack: Stack,
  task: string,
  concurrency: number,
): Promise<number> {
  return runTurbo(site.guardian, [task, ...flags(concurrency)], {
    STACK: 'external',
    STACK_POSTGRES_URL: stack.postgresUrl,
    STACK_REDIS_URL: stack.redisUrl,
    STACK_KAFKA_BROKERS: stack.kafkaBrokers,
  });
}

/** A failing package does not keep the others from being counted. */
function flags(concurrency: number): string[] {
  return [`--concurrency=${concurrency}`, '--continue=always', '--output-logs=new-only'];
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
