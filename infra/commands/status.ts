/** Shows each process of the system that is up. Exits with 1 unless all of them are ready. */
import { isHealthy, isRunning, ownerOf, SERVICE_NAMES } from '@mini-pg/local-stack';
import { type Container, containersOf, isJob, isReady } from '../lib/compose-containers.ts';
import { DATA_DIR, type LocalSystem, readLocalSystem } from '../lib/local-system.ts';

const SERVERS = ['postgres', 'redis', 'kafka'] as const;
const COMPOSED = [...SERVICE_NAMES, ...SERVERS];

type Row = { name: string; pid: number | null; state: string; url: string };

const local = readLocalSystem();
if (local) {
  process.exitCode = await show(local);
} else {
  const owner = ownerOf(DATA_DIR);
  const starting = `Process ${owner?.pid} is starting or stopping the system.`;
  console.log(owner ? starting : 'Nothing is up. `npm run up` starts the system.');
  process.exitCode = 1;
}

async function show(system: LocalSystem): Promise<number> {
  try {
    const { compose } = system;
    const rows = compose
      ? await containerRows(compose.project)
      : await Promise.all([...serviceRows(system), ...serverRows(system)]);
    for (const { name, pid, state, url } of rows) {
      console.log(`${name.padEnd(20)} ${state.padEnd(10)} ${String(pid ?? '-').padEnd(8)} ${url}`);
    }
    if (compose) console.log(`Its logs: docker compose --project-name ${compose.project} logs`);
    return rows.every(({ state }) => state === 'ready') ? 0 : 1;
  } catch (error) {
    console.error(`status: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

/** A container that was removed by hand is missing, which counts as down. */
async function containerRows(project: string): Promise<Row[]> {
  const containers = (await containersOf({ name: project })).filter((one) => !isJob(one));
  const missing = COMPOSED.filter((name) => !containers.some(({ service }) => service === name));
  return [
    ...containers.map(containerRow),
    ...missing.map((name) => ({ name, pid: null, state: 'down', url: '-' })),
  ];
}

function containerRow(container: Container): Row {
  const { service, number, status, published = '-' } = container;
  const name = number === 1 ? service : `${service}-${number}`;
  const state = isReady(container) ? 'ready' : status === 'running' ? 'not ready' : 'down';
  return { name, pid: null, state, url: published };
}

function serviceRows(system: LocalSystem): Promise<Row>[] {
  return system.instances.map(async ({ name, pid, url }) => {
    const running = pid !== null && isRunning(pid);
    const state = !running ? 'down' : (await isHealthy(url)) ? 'ready' : 'not ready';
    return { name, pid, state, url };
  });
}

function serverRows({ pids, ...system }: LocalSystem): Promise<Row>[] {
  return SERVERS.map(async (name) => {
    const pid = pids[name] ?? null;
    // A server that was given has no process of ours.
    const state = pid === null || isRunning(pid) ? 'ready' : 'down';
    return { name, pid, state, url: withoutPassword(system[name]) };
  });
}

function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@');
}
