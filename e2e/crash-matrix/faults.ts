import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '@mini-pg/local-stack';
import { clockFaults } from './clock-faults.ts';
import { diskFaults } from './disk-faults.ts';
import { KILLED_SERVICES, type KilledService } from './failpoint-rows.ts';
import type { LivingSystem } from './living-system.ts';
import { PAIRS, type Peer, type ProxiedService, proxied } from './network.ts';
import type { Blow, Struck } from './run-alone.ts';
import { staleReader } from './stale-reader.ts';

/** A blow from outside, on servers that belong to the run. */
export interface Fault extends Blow {
  /** Why it cannot be dealt on this machine. */
  skipped?(living: LivingSystem): string | undefined;
}

/** Beyond the broker's session timeout of 3 s and the relay's silence of 5 s. */
const PAUSE_MS = 7_000;
/** Beyond the lease of a call, which is 12 s with the timeouts of these runs. */
const LEASE_PAUSE_MS = 16_000;
/** Beyond the client's `max.poll.interval.ms` of 5 min. */
const POLL_PAUSE_MS = 305_000;
const OUTAGE_MS = 4_000;
/** Payments under a condition that lasts. */
const WHILE_MS = 3_000;

export const FAULTS: readonly Fault[] = [
  ...KILLED_SERVICES.map((name) => paused(name)),
  ...KILLED_SERVICES.map((name) => takenOver(name)),
  {
    name: 'all services are stopped for 5 min',
    what: 'SIGSTOP beyond the poll timeout of every consumer, then SIGCONT',
    strike: async (living) => {
      const services = KILLED_SERVICES.map((name) => living.system.service(name));
      await pause(services, POLL_PAUSE_MS);
      return { at: performance.now() };
    },
    tidy: restartThoseThatEnded,
  },
  {
    name: 'Postgres is restarted',
    what: 'an orderly stop, and a start',
    strike: (living) => restarted(living, 'postgres', 'SIGINT'),
  },
  {
    name: 'Postgres crashes',
    what: 'SIGQUIT: it ends at once and recovers from its log',
    strike: (living) => restarted(living, 'postgres', 'SIGQUIT'),
  },
  {
    name: 'every backend of Postgres is terminated',
    what: 'each session ends, in whatever it was',
    strike: async ({ admin }) => {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
      return { at: performance.now() };
    },
  },
  {
    name: 'Redis is flushed',
    what: 'every key is gone',
    strike: async ({ system }) => {
      await flush(system.redis);
      return { at: performance.now() };
    },
  },
  {
    name: 'Redis is killed',
    what: 'SIGKILL, away for 4 s, and back without a key',
    strike: (living) => restarted(living, 'redis', 'SIGKILL', OUTAGE_MS),
  },
  {
    name: 'the broker is restarted',
    what: 'an orderly stop, and a start',
    strike: (living) => restarted(living, 'kafka', 'SIGTERM'),
  },
  {
    name: 'the broker is killed',
    what: 'SIGKILL, and a start',
    strike: (living) => restarted(living, 'kafka', 'SIGKILL'),
  },
  ...PAIRS.map(([name, peer]) => cut(name, peer)),
  ...PAIRS.map(([name, peer]) => blackHoled(name, peer)),
  ...KILLED_SERVICES.map((name) => killedInSilence(name)),
  ...clockFaults(),
  staleReader(),
  ...diskFaults(),
];

function paused(name: KilledService): Fault {
  return {
    name: `${name} is stopped for 7 s`,
    what: 'SIGSTOP beyond the session timeouts of broker and relay, then SIGCONT',
    strike: async ({ system }) => {
      await pause([system.service(name)], PAUSE_MS);
      return { at: performance.now() };
    },
    tidy: restartThoseThatEnded,
  };
}

/** A zombie: it wakes while another instance does its work. */
function takenOver(name: KilledService): Fault {
  return {
    name: `${name} is stopped for 16 s while another instance takes over`,
    what: 'SIGSTOP beyond every session and lease, then SIGCONT of a process that has no place',
    strike: async ({ system }) => {
      const other = system.service(name, 1);
      await other.start();
      await pause([system.service(name)], LEASE_PAUSE_MS);
      return { at: performance.now() };
    },
    tidy: async (living) => {
      await living.system.service(name, 1).stop();
      await restartThoseThatEnded(living);
    },
  };
}

async function pause(services: readonly Service[], ms: number): Promise<void> {
  for (const service of services) await service.kill('SIGSTOP');
  await sleep(ms);
  for (const service of services) await service.kill('SIGCONT');
}

/** A service that finds itself behind may end itself: whoever runs it starts it again. */
async function restartThoseThatEnded({ system }: LivingSystem): Promise<void> {
  for (const name of KILLED_SERVICES) await system.service(name).start();
}

async function restarted(
  { system }: LivingSystem,
  name: 'postgres' | 'redis' | 'kafka',
  signal: NodeJS.Signals,
  awayMs = 0,
): Promise<Struck> {
  const server = system.stack.server(name);
  await server.kill(signal);
  await sleep(awayMs);
  await server.start();
  return { at: performance.now() };
}

function flush(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write('FLUSHALL\r\n'));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      if (answer.toString().startsWith('+OK')) resolve();
      else reject(new Error(`Redis: ${answer}`));
    });
  });
}

function cut(name: KilledService, peer: Peer): Fault {
  let held: ProxiedService | undefined;
  return {
    name: `${name} loses its connections to ${peer}`,
    what: 'a reset of each, three times',
    strike: async (living) => {
      held = await proxied(living, name, peer);
      for (let times = 0; times < 3; times += 1) {
        await sleep(WHILE_MS / 3);
        held.proxy.cut();
      }
      return { at: performance.now() };
    },
    tidy: async () => held?.release(),
  };
}

function blackHoled(name: KilledService, peer: Peer): Fault {
  let held: ProxiedService | undefined;
  return {
    name: `${name} hears nothing of ${peer}`,
    what: 'connections stay open and silent for 7 s',
    strike: async (living) => {
      held = await proxied(living, name, peer);
      await sleep(WHILE_MS / 3);
      held.proxy.blackHole();
      await sleep(PAUSE_MS);
      held.proxy.resume();
      return { at: performance.now() };
    },
    tidy: async (living) => {
      await held?.release();
      await restartThoseThatEnded(living);
    },
  };
}

/** Whoever moves an offset before its work is stored loses that work here. */
function killedInSilence(name: KilledService): Fault {
  let held: ProxiedService | undefined;
  return {
    name: `${name} is killed while Postgres is silent`,
    what: 'batches wait for their commit for 4 s, then SIGKILL',
    strike: async (living) => {
      held = await proxied(living, name, 'Postgres');
      await sleep(WHILE_MS / 3);
      held.proxy.blackHole();
      await sleep(OUTAGE_MS);
      const service = living.system.service(name);
      await service.kill('SIGKILL');
      held.proxy.cut();
      held.proxy.resume();
      await service.start();
      return { at: performance.now() };
    },
    tidy: async () => held?.release(),
  };
}
