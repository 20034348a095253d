import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runSimulateCommand } from './command.ts';

/** A failing history is run again and again until it cannot be shorter. */
vi.setConfig({ testTimeout: 60_000 });

let said: { log: string[]; error: string[] };

beforeEach(() => {
  said = { log: [], error: [] };
});

function run(...args: string[]): Promise<number> {
  return runSimulateCommand(args, {
    log: (line) => said.log.push(line),
    error: (line) => said.error.push(line),
  });
}

describe('npm run simulate', () => {
  it('ends with 0 when no rule broke', async () => {
    expect(await run('--seed', '1', '--runs', '3')).toBe(0);
    expect(said.log[0]).toBe('seed 1, 3 runs');
    expect(said.log.at(-1)).toMatch(/no rule broke$/);
  });

  it('prints the fresh seed that it takes', async () => {
    expect(await run('--runs', '1')).toBe(0);
    expect(said.log[0]).toMatch(/^seed \d+, 1 runs$/);
  });

  it('ends with 1 and the shrunk history when one did', async () => {
    expect(await run('--seed', '1', '--runs', '1000', '--mutant', 'no-reserve')).toBe(1);
    expect(said.error.join()).toMatch(/^seed \d+, after \d+ runs: payment \d promises /);
    expect(said.error.join()).toMatch(/\n +1 {2}pay: /);
    expect(said.error.join()).toMatch(
      /Again: npm run simulate -- --seed \d+ --runs 1 --mutant no-/,
    );
  });

  it('takes the seeds round their end', async () => {
    expect(await run('--seed', '4294967295', '--runs', '2')).toBe(0);
  });

  it('ends with 0 when asked for help', async () => {
    expect(await run('--help')).toBe(0);
    expect(said.log.join()).toMatch(/^Usage: /);
  });

  it.each<[string[], RegExp]>([
    [['--seed', 'x'], /--seed x: give an integer from 0 to 4294967295/],
    [['--seed', '-1'], /--seed/],
    [['--seed=4294967296'], /--seed 4294967296: give/],
    [['--seed', '1.5'], /--seed 1\.5: give/],
    [['--runs', '0'], /--runs 0: give an integer from 1 to 1000000/],
    [['--runs', '1000001'], /--runs 1000001: give/],
    [['--mutant', 'none'], /--mutant none: there are resend-with-new-key, /],
    [['--steps', '3'], /Unknown option '--steps'/],
    [['7'], /Unexpected argument '7'/],
  ])('ends with 2 for %j', async (args, message) => {
    expect(await run(...args)).toBe(2);
    expect(said.error.join()).toMatch(message);
    expect(said.log).toEqual([]);
  });
});
