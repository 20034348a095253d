/**
 * Runs the system of `npm run up` in the background: starts it, writes where everything is, starts
 * again what dies, and stops it all on SIGTERM. Tells the `up` that started it how it goes, and
 * ends with that one as long as the system is not ready. Its argument is a `SupervisorOrder`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { keepMerchants } from '@mini-pg/local-setup';
import { type Server, type System, startSystem } from '@mini-pg/local-stack';
import {
  DATA_DIR,
  type LocalSystem,
  MERCHANTS_FILE,
  removeLocalSystem,
  SERVICE_KEYS,
  writeEnvironments,
  writeLocalSystem,
} from './local-system.ts';
import { decideRestart } from './restarts.ts';
import { onStopRequest } from './stop-request.ts';
import type { SupervisorOrder } from './up-processes.ts';

/** Used if they are free, so that links stay the same from one `up` to the next. */
const PORTS = {
  'payment-api': 8080,
  'pg-processor': 8081,
  'settlement-worker': 8082,
  'pg-simulator': 7400,
};
const SERVERS = ['postgres', 'redis', 'kafka'] as const;

export type SupervisorMessage = { line: string } | { ready: true } | { failed: string };

let system: System | undefined;
let merchants: LocalSystem['merchants'] = [];
const restartedAtMs = new Map<string, number[]>();

const { choice, scale }: SupervisorOrder = JSON.parse(process.argv[2] ?? '');
onStopRequest(stop, () => !system);
try {
  system = await startSystem({
    dataDir: DATA_DIR,
    isolate: false,
    ports: PORTS,
    choice,
    scale,
    hooks: { onStart: publish, onCrash: (name) => void restart(name) },
    log: tell,
  });
  writeEnvironments(environmentsOf(system));
  merchants = await keepMerchants(system, MERCHANTS_FILE);
  publish();
  send({ ready: true });
} catch (error) {
  send({ failed: error instanceof Error ? error.message : String(error) });
  await stop('it could not start');
  process.exit(1);
}

function tell(line: string): void {
  console.log(`${new Date().toISOString()} ${line}`);
  send({ line });
}

function send(message: SupervisorMessage): void {
  if (process.connected) process.send?.(message);
}

async function stop(why: string): Promise<void> {
  tell(`stopping (${why})`);
  removeLocalSystem();
  await system?.stop();
}

async function restart(name: string): Promise<void> {
  const server = system && serversOf(system).find((one) => one.name === name);
  if (!server) return;
  const times = restartedAtMs.get(name) ?? [];
  const decision = decideRestart(times, Date.now());
  if (!decision.restart) return tell(`${name} keeps ending: left as it is, see its log`);
  restartedAtMs.set(name, [...times, Date.now()]);
  tell(`${name} has ended: starting it again`);
  await sleep(decision.delayMs);
  try {
    await server.start();
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
  }
}

/** Also at each start: the process of a service has another id then. */
function publish(): void {
  if (!system || merchants.length === 0) return;
  const { api, processor, settlement, simulator, postgres, redis, kafka, adminToken } = system;
  const urls = { api, processor, settlement, simulator, postgres, redis, kafka };
  const pids = { ...pidsOf(system), supervisor: process.pid };
  const instances = system.services.map(({ name, service, url, pid = null }) => {
    return { name, service, url, pid };
  });
  writeLocalSystem({ ...urls, adminToken, merchants, pids, instances });
}

function pidsOf({ stack, service }: System): Record<string, number> {
  const entries = Object.entries(SERVICE_KEYS).map(([key, name]) => [key, service(name).pid]);
  return { ...Object.fromEntries(entries.filter(([, pid]) => pid !== undefined)), ...stack.pids };
}

function serversOf({ services, stack }: System): Server[] {
  const own = SERVERS.filter((name) => stack.pids[name] !== undefined || stack.kind === 'native');
  return [...services, ...own.map((name) => stack.server(name))];
}

function environmentsOf({ environment }: System): Record<string, Record<string, string>> {
  return Object.fromEntries(Object.values(SERVICE_KEYS).map((name) => [name, environment(name)]));
}
