/** Starts the whole system in the background, unless it is up already. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ownerOf } from '@mini-pg/local-stack';
import { buildServices } from '../lib/build.ts';
import {
  DATA_DIR,
  type LocalSystem,
  readLocalSystem,
  requireLocalSystem,
} from '../lib/local-system.ts';
import { parseScale, type Scale } from '../lib/scale.ts';
import type { SupervisorMessage } from '../lib/supervisor.ts';

const USAGE = `Usage: npm run up [-- --scale SERVICE=N ...]

  --scale SERVICE=N  instances of payment-api, pg-processor or settlement-worker, one unless given;
                     may be repeated`;

const SUPERVISOR = fileURLToPath(new URL('../lib/supervisor.ts', import.meta.url));
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const scale = readScale(args);
  if (scale === 'help') return 0;
  if (scale === 'wrong') return EXIT_USAGE;
  const local = readLocalSystem();
  if (local) return showPresent(local, scale);
  const owner = ownerOf(DATA_DIR);
  if (!owner) return bringUp(scale);
  console.error(
    `Process ${owner.pid} is using ${DATA_DIR}: it is starting or stopping. Try again.`,
  );
  return EXIT_FAILED;
}

function readScale(args: string[]): Scale | 'help' | 'wrong' {
  try {
    const options = {
      scale: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { scale = [], help } = parseArgs({ args, options, strict: true }).values;
    if (!help) return parseScale(scale);
    console.log(USAGE);
    return 'help';
  } catch (error) {
    console.error(`up: ${error instanceof Error ? error.message : error}`);
    return 'wrong';
  }
}

/** What is up stays as it is; a scale that it does not have is refused, not ignored. */
function showPresent(local: LocalSystem, scale: Scale): number {
  for (const [service, wanted] of Object.entries(scale)) {
    const count = local.instances.filter((instance) => instance.service === service).length;
    if (count === wanted) continue;
    console.error(
      `up: the system is up with ${service}=${count}: run \`npm run down\`, then this again.`,
    );
    return EXIT_FAILED;
  }
  console.log('The system is up already.');
  showLinks(local);
  return 0;
}

async function bringUp(scale: Scale): Promise<number> {
  try {
    await buildServices();
  } catch (error) {
    console.error(`up: ${error instanceof Error ? error.message : error}`);
    return EXIT_FAILED;
  }
  const supervisor = startSupervisor(scale);
  const failure = await untilReady(supervisor);
  if (failure !== undefined) {
    console.error(`up: ${failure}`);
    return EXIT_FAILED;
  }
  supervisor.disconnect();
  supervisor.unref();
  console.log('The system is up.');
  showLinks(requireLocalSystem());
  return 0;
}

function startSupervisor(scale: Scale): ChildProcess {
  const logs = join(DATA_DIR, 'logs');
  mkdirSync(logs, { recursive: true });
  const output = openSync(join(logs, 'supervisor.log'), 'a');
  const values = Object.entries(scale).map(([service, count]) => `${service}=${count}`);
  // Detached: in a session of its own it outlives this command and its terminal.
  return spawn(process.execPath, ['--conditions=source', SUPERVISOR, ...values], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
}

/** Shows how the start goes; resolves with what kept it from succeeding, if anything did. */
function untilReady(supervisor: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    supervisor.on('message', (message: SupervisorMessage) => {
      if ('line' in message) console.log(message.line);
      else resolve('failed' in message ? message.failed : undefined);
    });
    supervisor.once('exit', (code, signal) =>
      resolve(`The supervisor has ended (${code ?? signal}); see ${DATA_DIR}/logs/supervisor.log.`),
    );
  });
}

function showLinks(system: LocalSystem): void {
  const file = relative(process.cwd(), join(DATA_DIR, 'local.json'));
  console.log(`  API         ${system.api}  (Swagger UI: ${system.api}/docs)`);
  console.log(`  processor   ${system.processor}/health/ready`);
  console.log(`  settlement  ${system.settlement}/health/ready`);
  console.log(`  simulator   ${system.simulator}`);
  for (const { name, url } of furtherInstances(system)) console.log(`  ${name}  ${url}`);
  console.log(`  all of it   ${file}`);
  console.log('`npm run status` shows how it is, `npm run down` stops it.');
}

function furtherInstances(system: LocalSystem): LocalSystem['instances'] {
  const firsts = [system.api, system.processor, system.settlement, system.simulator];
  return system.instances.filter(({ url }) => !firsts.includes(url));
}
