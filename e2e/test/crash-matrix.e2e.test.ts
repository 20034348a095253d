import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAILPOINT_ROWS, nameOfRow } from '../crash-matrix/failpoint-rows.ts';
import { type LivingSystem, startLivingSystem } from '../crash-matrix/living-system.ts';
import { problemsOf } from '../crash-matrix/problems.ts';
import { type LanesResult, runLanes } from '../crash-matrix/run-lanes.ts';

/** A minute or two of it is the rest in which everything has to come to its end. */
const RUN_TIMEOUT_MS = 600_000;

describe('the crash matrix in its short form', () => {
  let living: LivingSystem;
  let result: LanesResult;

  beforeAll(async () => {
    living = await startLivingSystem({ ownServers: false });
    result = await runLanes(living, FAILPOINT_ROWS, () => {});
  }, RUN_TIMEOUT_MS);

  afterAll(() => living?.stop());

  it('has each service die at every step', () => {
    expect(result.failed).toEqual([]);
    const died = result.rows.map(({ name }) => name);
    expect(died.sort()).toEqual(FAILPOINT_ROWS.map(nameOfRow).sort());
  });

  it('loses nothing and does nothing twice at any of them', () => {
    const problems = result.rows.flatMap((row) => problemsOf(row));
    expect([...new Set(problems)]).toEqual([]);
  });

  it('is clean', () => expect(result.brokenRules).toEqual([]));
});
