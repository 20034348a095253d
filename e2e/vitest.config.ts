import { mergeConfig } from 'vitest/config';
import { definePackageTests } from '../vitest.shared.ts';

/** The scenarios mostly wait for the schedules of inquiry: another system fits beside theirs. */
const SYSTEMS_AT_ONCE = 2;

export default mergeConfig(definePackageTests(import.meta.url), {
  test: { maxWorkers: SYSTEMS_AT_ONCE },
});
