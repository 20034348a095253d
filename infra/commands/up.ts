/** Starts the whole system in the background, unless it is up already. */
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { checkStackSettings, ownerOf, pickSystemStack } from '@mini-pg/local-stack';
import { containersOf, isJob } from '../lib/compose-containers.ts';
import {
  DATA_DIR,
  type LocalSystem,
  readLocalSystem,
  requireLocalSystem,
} from '../lib/local-system.ts';
import { parseScale, type Scale } from '../lib/scale.ts';
import { upAsContainers } from '../lib/up-containers.ts';
import { upAsProcesses } from '../lib/up-processes.ts';

const USAGE = `Usage: npm run up [-- --scale SERVICE=N ...]

  --scale SERVICE=N  instances of payment-api, pg-processor or settlement-worker, one unless given;
                     may be repeated`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const scale = readScale(args);
  if (scale === 'help') return 0;
  if (scale === 'wrong') return EXIT_USAGE;
  try {
    const local = readLocalSystem();
    if (local && (await isThere(local))) return showPresent(local, scale);
    const owner = ownerOf(DATA_DIR);
    if (!owner) return await bringUp(scale);
    console.error(
      `Process ${owner.pid} is using ${DATA_DIR}: it is starting or stopping. Try again.`,
    );
  } catch (error) {
    console.error(`up: ${error instanceof Error ? error.message : error}`);
  }
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

/** False for containers that somebody has removed by hand. */
async function isThere({ compose }: LocalSystem): Promise<boolean> {
  if (!compose) return true;
  const containers = await containersOf({ name: compose.project });
  return containers.some((container) => !isJob(container));
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
  await checkStackSettings();
  const choice = await pickSystemStack((line) => console.log(line));
  console.log(`stack: ${choice.kind} (${choice.why})`);
  if (choice.kind === 'docker') await upAsContainers(scale);
  else await upAsProcesses({ choice, scale });
  console.log('The system is up.');
  showLinks(requireLocalSystem());
  return 0;
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
