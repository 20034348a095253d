import { setTimeout as sleep } from 'node:timers/promises';
import type { FailpointRow } from './failpoint-rows.ts';
import type { ArmedService, LivingSystem } from './living-system.ts';
import { triggerOf } from './triggers.ts';

const PULL_AGAIN_MS = 500;
/** Days that a step of a close is waited for, and how long each is open. */
const DAYS_MAX = 10;
const SALES_MS = 1_000;

/** Lets a process die at the step of a row; gives the moment. A service stays dead. */
export function dieAt(living: LivingSystem, row: FailpointRow): Promise<number> {
  return row.trigger === 'close-dies' ? dieInClose(living, row) : dieInService(living, row);
}

/** The close dies at the step, and is run again after. A day without a sale has fewer steps. */
async function dieInClose(living: LivingSystem, row: FailpointRow): Promise<number> {
  let died = await living.closeDay(`${row.failpoint}:${row.hit}`);
  for (let days = 1; days < DAYS_MAX && died.code === 0; days += 1) {
    await sleep(SALES_MS);
    died = await living.closeDay(`${row.failpoint}:${row.hit}`);
  }
  const diedAt = performance.now();
  if (!died.output.includes(`failpoint ${row.failpoint}: hit`)) {
    throw new Error(`The close did not die at ${row.failpoint}: ${died.code} ${died.output}`);
  }
  const again = await living.closeAgain();
  if (again.code !== 0) throw new Error(`The close after it failed: ${again.output}`);
  return diedAt;
}

async function dieInService(living: LivingSystem, row: FailpointRow): Promise<number> {
  const service = living.system.service(row.service);
  const trigger = triggerOf(row.trigger);
  await trigger.prepare?.(living, service);
  const armed = await living.arm(service, `${row.failpoint}:${row.hit}`, trigger.variables);
  return pullUntilDead(living, row, armed);
}

async function pullUntilDead(
  living: LivingSystem,
  row: FailpointRow,
  armed: ArmedService,
): Promise<number> {
  const service = living.system.service(row.service);
  const trigger = triggerOf(row.trigger);
  let isOver = false;
  const pulling = (async () => {
    while (!isOver && trigger.pull) {
      // What it acts on may be down itself at the moment: it is pulled again.
      await trigger.pull(living, service, () => isOver).catch(() => sleep(PULL_AGAIN_MS));
    }
  })();
  try {
    return await armed.died();
  } finally {
    isOver = true;
    if (!trigger.waitsForNextLife) await pulling;
  }
}
