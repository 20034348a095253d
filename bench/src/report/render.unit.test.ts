import { describe, expect, it } from 'vitest';
import { renderReport } from './render.ts';

describe('a report', () => {
  it('is a page with its figures, what was expected, and where it was made', () => {
    const page = renderReport(
      {
        summary: ['Two servers.'],
        expectations: [
          { what: 'one over the other', wanted: 'at least 2', measured: '2.50', isMet: true },
          { what: 'the tail', wanted: 'below 5 ms', measured: '7.00', isMet: false },
        ],
        sections: [
          {
            heading: 'Speed',
            text: ['Closed loop.'],
            table: { columns: ['a', 'b'], rows: [['1', '2']] },
          },
        ],
      },
      {
        name: 'intake',
        describe: 'What it is.',
        command: 'npm run bench -- intake',
        at: new Date('2026-03-31T01:02:03Z'),
        rounds: 3,
        facts: [{ name: 'Node', value: 'v24' }],
      },
    );
    expect(page).toBe(`# intake

What it is.

Two servers.

## Expected and measured

| What | Expected | Measured |  |
| --- | --- | --- | --- |
| one over the other | at least 2 | 2.50 | met |
| the tail | below 5 ms | 7.00 | **not met** |

## Speed

Closed loop.

| a | b |
| --- | --- |
| 1 | 2 |

## Circumstances

Medians of 3 runs, least and greatest beside. Run by \`npm run bench -- intake\` on 2026-03-31 01:02 UTC.

|  |  |
| --- | --- |
| Node | v24 |
`);
  });
});
