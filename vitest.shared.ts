import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** The tiers of tests, told apart by the file's suffix: `x.unit.test.ts`. */
const TIERS = ['unit', 'int', 'e2e'] as const;
type Tier = (typeof TIERS)[number];

const TEST_TIMEOUT_MS: Record<Tier, number> = { unit: 20_000, int: 60_000, e2e: 120_000 };
/** Servers, databases and whole systems start in hooks, on a busy machine several at once. */
const HOOK_TIMEOUT_MS = 180_000;

/** Real servers are shared by all files of a run, so few files run at once. */
const WORKERS_MAX: Record<Tier, number> = { unit: 2, int: 2, e2e: 1 };

/**
 * Each Kafka client takes a thread of libuv's pool while it waits, and the pool's size is fixed at
 * the start of a process: so it is set here, for the workers to inherit.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';

/** Workspace packages are tested from their sources: `exports` has `source` for that. */
const CONDITIONS = ['source', 'node'];

const GLOBAL_SETUP = fileURLToPath(
  new URL('packages/testing/src/global-setup.ts', import.meta.url),
);

/**
 * The vitest configuration of every package and app: one project a tier. The last run of a tier
 * leaves its counts in `.test-results/<tier>.json` of the package.
 */
export function definePackageTests(packageUrl: string): ViteUserConfig {
  const root = fileURLToPath(new URL('.', packageUrl));
  const tier = tierOnCommandLine(process.argv);
  const report = join(root, '.test-results', `${tier ?? 'all'}.json`);
  // A run that crashes writes no report; the counts of an earlier one must not stand in for it.
  rmSync(report, { force: true });
  return defineConfig({
    root,
    // Through a plugin, because vitest resolves a global setup in an environment of its own.
    plugins: [
      {
        name: 'workspace-sources',
        configEnvironment: () => ({ resolve: { conditions: CONDITIONS } }),
      },
    ],
    test: {
      reporters: ['default', 'json'],
      outputFile: { json: report },
      passWithNoTests: true,
      pool: 'forks',
      maxWorkers: WORKERS_MAX[tier ?? 'e2e'],
      projects: TIERS.map((name) => ({
        extends: true,
        test: {
          name,
          include: [`{src,lib,generate,checks,test}/**/*.${name}.test.ts`],
          testTimeout: TEST_TIMEOUT_MS[name],
          hookTimeout: HOOK_TIMEOUT_MS,
          globalSetup: name === 'unit' ? [] : [GLOBAL_SETUP],
        },
      })),
    },
  });
}

function tierOnCommandLine(argv: readonly string[]): Tier | undefined {
  const flag = argv.findIndex((argument) => argument.startsWith('--project'));
  const value = argv[flag]?.split('=')[1] ?? argv[flag + 1];
  return flag < 0 ? undefined : TIERS.find((tier) => tier === value);
}
