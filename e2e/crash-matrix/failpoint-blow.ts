import { dieAt } from './deaths.ts';
import { type FailpointRow, nameOfRow } from './failpoint-rows.ts';
import type { Blow } from './run-alone.ts';
import { triggerOf } from './triggers.ts';

/** A death at a step, and the next life. */
export function blowOf(row: FailpointRow): Blow {
  return {
    name: nameOfRow(row),
    what: row.sentence,
    async strike(living) {
      const diedAt = await dieAt(living, row);
      await living.system.service(row.service).start();
      return { at: diedAt };
    },
    async tidy(living) {
      await triggerOf(row.trigger).clear?.(living, living.system.service(row.service));
    },
  };
}
