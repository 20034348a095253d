import { writeFileSync } from 'node:fs';
import type { System } from '@mini-pg/local-stack';
import { z } from 'zod';
import { paymentIdentity } from '../load/requests.ts';

/** What the simulator takes at once. */
const BATCH_MAX = 10_000;
const openedSchema = z.object({ data: z.array(z.object({ paymentKey: z.string() })) });

/**
 * What shoppers do in the gateway's window before a run: one window for each payment that the
 * generator will make under a run id. Their keys go into a file for it, one a line.
 */
export async function openWindows(
  system: System,
  options: { runId: string; count: number; file: string },
): Promise<void> {
  const keys: string[] = [];
  while (keys.length < options.count) {
    const size = Math.min(BATCH_MAX, options.count - keys.length);
    const items = Array.from({ length: size }, (_, index) => {
      const { orderId, amount } = paymentIdentity(options.runId, keys.length + index);
      return { orderId, amount, scenario: 'approve' };
    });
    const opened = await ask(system, '/toss/windows/batch', 'POST', { items });
    keys.push(...openedSchema.parse(JSON.parse(opened)).data.map(({ paymentKey }) => paymentKey));
  }
  writeFileSync(options.file, `${keys.join('\n')}\n`);
}

/** How long the simulated gateway takes for each call. */
export async function setGatewayLatency(system: System, latencyMs: number): Promise<void> {
  await ask(system, '/mix', 'PUT', { seed: 1, latencyMs, scenarios: { approve: 1 } });
}

async function ask(system: System, path: string, method: string, body: object): Promise<string> {
  const response = await fetch(`${system.simulator}/_sim${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`The simulator refused ${path}: ${text}`);
  return text;
}
