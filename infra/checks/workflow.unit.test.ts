import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const stepSchema = z.object({ uses: z.string().optional(), run: z.string().optional() });

const workflowSchema = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string(), 'cancel-in-progress': z.literal(true) }),
  jobs: z.record(
    z.string(),
    z.object({
      'timeout-minutes': z.int(),
      steps: z.array(stepSchema),
      permissions: z.never().optional(),
    }),
  ),
});

const FILE = join(REPOSITORY_DIR, '.github/workflows/ci.yml');
const text = readFileSync(FILE, 'utf8');
const workflow = workflowSchema.parse(parse(text));
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

describe('the workflow of CI', () => {
  it('runs what everybody runs, and builds the images', () => {
    const commands = steps.flatMap(({ run }) => run ?? []);
    expect(commands).toContain('.ci/run');
    expect(commands).toContain('docker compose build');
  });

  it('may read the code and nothing else', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  it('takes every action at a version of three numbers', () => {
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/);
  });

  it('keys its caches by files that are there', () => {
    const calls = [...text.matchAll(/hashFiles\(([^)]*)\)/g)].map(([, names = '']) => names);
    const files = calls.flatMap((names) =>
      [...names.matchAll(/'([^']+)'/g)].map(([, f]) => f ?? ''),
    );
    expect(files).toContain('pnpm-lock.yaml');
    for (const file of files) {
      expect(existsSync(join(REPOSITORY_DIR, file.replace(/\/\*.*$/, '')))).toBe(true);
    }
  });
});
