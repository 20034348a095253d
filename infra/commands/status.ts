/** Shows each process of the system that is up. Exits with 1 unless all of them are ready. */
import { isHealthy, isRunning, ownerOf } from '@mini-pg/local-stack';
import { DATA_DIR, type LocalSystem, readLocalSystem } from '../lib/local-system.ts';

type Row = { name: string; pid: number | null; state: string; url: string };

const local = readLocalSystem();
if (local) {
  const rows = await Promise.all([...serviceRows(local), ...serverRows(local)]);
  for (const { name, pid, state, url } of rows) {
    console.log(`${name.padEnd(20)} ${state.padEnd(10)} ${String(pid ?? '-').padEnd(8)} ${url}`);
  }
  process.exitCode = rows.every(({ state }) => state === 'ready') ? 0 : 1;
} else {
  const owner = ownerOf(DATA_DIR);
  const starting = `Process ${owner?.pid} is starting or stopping the system.`;
  console.log(owner ? starting : 'Nothing is up. `npm run up` starts the system.');
  process.exitCode = 1;
}

function serviceRows(system: LocalSystem): Promise<Row>[] {
  return system.instances.map(async ({ name, pid, url }) => {
    const running = pid !== null && isRunning(pid);
    const state = !running ? 'down' : (await isHealthy(url)) ? 'ready' : 'not ready';
    return { name, pid, state, url };
  });
}

function serverRows({ pids, ...system }: LocalSystem): Promise<Row>[] {
  const servers = ['postgres', 'redis', 'kafka'] as const;
  return servers.map(async (name) => {
    const pid = pids[name] ?? null;
    // A server that was given has no process of ours.
    const state = pid === null || isRunning(pid) ? 'ready' : 'down';
    return { name, pid, state, url: withoutPassword(system[name]) };
  });
}

function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@');
}
