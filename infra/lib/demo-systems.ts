import { join } from 'node:path';
import { docker, type Log, openSite, type StackChoice, startSystem } from '@mini-pg/local-stack';
import type { DemoSystem } from '../demo/demo-system.ts';
import { closeCommand, composeEnvironment, projectOf } from './compose-project.ts';
import { startComposeSystem } from './compose-system.ts';

const CLOSE_TIMEOUT_MS = 300_000;

/** Used if they are free, so that links stay the same from one demo to the next. */
const PORTS = { 'payment-api': 8080, 'pg-simulator': 7400 };

/** Where a system for the demo runs, and who is told how it is ended as soon as it can be. */
type Where = {
  dataDir: string;
  log: Log;
  onStoppable(stop: () => Promise<void>): void;
};

/** A system of processes, from builds that are there. */
export async function startProcesses(
  choice: StackChoice,
  { dataDir, log, onStoppable }: Where,
): Promise<DemoSystem> {
  const system = await startSystem({ choice, dataDir, ports: PORTS, log });
  onStoppable(() => system.stop());
  return {
    ...system,
    logs: join(dataDir, 'logs'),
    close: (date) => system.run('settlement-worker', 'close', ['--date', date]),
  };
}

/** A system of containers that leaves nothing in Docker but images. */
export async function startContainers({ dataDir, log, onStoppable }: Where): Promise<DemoSystem> {
  const project = projectOf(dataDir);
  const site = await openSite(dataDir, log);
  onStoppable(() => site.close());
  const { local } = await startComposeSystem(site, { project, scale: {}, isEphemeral: true });
  return {
    ...local,
    logs: `docker compose --project-name ${project.name} logs`,
    async close(date) {
      const args = closeCommand({}, ['--date', date]);
      const closed = await docker(args, CLOSE_TIMEOUT_MS, composeEnvironment(project));
      return { code: closed.ok ? 0 : 1, output: closed.output };
    },
  };
}
