import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('./memory.ts', import.meta.url));

/** Mebibytes of the young generation, before and after, of a process whose start made garbage. */
function youngGeneration(flags: readonly string[]): { before: number; after: number } {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { giveBackMemory } from ${JSON.stringify(MODULE)};
    const young = () => getHeapSpaceStatistics().find((s) => s.space_name === 'new_space').space_size / 2 ** 20;
    let kept = [];
    for (let i = 0; i < 400_000; i += 1) {
      kept.push({ i });
      if (kept.length > 40_000) kept = [];
    }
    const before = young();
    giveBackMemory();
    console.log(JSON.stringify({ before, after: young() }));`;
  const out = execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', script]);
  return JSON.parse(out.toString());
}

it('gives back the young generation that starting made large', () => {
  const { before, after } = youngGeneration(['--expose-gc']);
  expect(before).toBeGreaterThan(4);
  expect(after).toBeLessThan(before / 2);
});

it('does nothing where the collector cannot be called', () => {
  const { before, after } = youngGeneration([]);
  expect(after).toBe(before);
});
