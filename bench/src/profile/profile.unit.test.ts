import { describe, expect, it } from 'vitest';
import { ownerOf, readCpuProfile, selfTimes } from './cpu-profile.ts';
import { flameGraph } from './flame-graph.ts';

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 4 });
const FASTIFY = 'file:///r/node_modules/.pnpm/fastify@5.0.0/node_modules/fastify/lib/route.js';
const PROFILE = JSON.stringify({
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 3, 4, 6] },
    { id: 2, callFrame: frame('(idle)', '') },
    { id: 3, callFrame: frame('handle', FASTIFY), children: [5] },
    { id: 4, callFrame: frame('handle', FASTIFY) },
    { id: 5, callFrame: frame('take<T>', 'file:///r/apps/payment-api/dist/intake/intake.js') },
    { id: 6, callFrame: frame('', 'file:///r/packages/runtime/dist/coalescer.js') },
  ],
  startTime: 1_000_000,
  samples: [3, 2, 3, 4, 5, 6, 3],
  timeDeltas: [7_000, 5_000, 300, 200, 497, 3, 9_000],
});

describe('a profile', () => {
  const root = readCpuProfile(PROFILE, { fromMicros: 1_007_001, toMicros: 1_013_000 });

  it('leaves out what is idle or beyond its window, and joins calls of one function from one place', () => {
    expect(root.totalMicros).toBe(1_000);
    expect(
      root.children.map(({ name, selfMicros, totalMicros }) => [name, selfMicros, totalMicros]),
    ).toEqual([
      ['handle', 500, 997],
      ['(anonymous) coalescer.js:5', 3, 3],
    ]);
  });

  it('tells the most expensive first, by function or by package', () => {
    expect(selfTimes(root, ({ owner }) => owner)).toEqual([
      { key: 'fastify', micros: 500 },
      { key: 'mini-pg/payment-api', micros: 497 },
      { key: 'mini-pg/runtime', micros: 3 },
      { key: 'node, native', micros: 0 },
    ]);
  });

  it('knows scoped packages, Node and the collector', () => {
    expect(ownerOf('file:///r/node_modules/.pnpm/@a+b@1/node_modules/@a/b/i.js', 'f')).toBe('@a/b');
    expect(ownerOf('node:internal/timers', 'f')).toBe('node');
    expect(ownerOf('', '(garbage collector)')).toBe('garbage collector');
  });

  it('is drawn without what is too narrow to be seen, names escaped', () => {
    const svg = flameGraph(root, 'payment-api & more');
    expect(svg).toContain('payment-api &amp; more');
    expect(svg).toContain('<title>take&lt;T&gt; (mini-pg/payment-api) 49.7 %</title>');
    expect(svg).not.toContain('coalescer.js');
  });
});
