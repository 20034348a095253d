/** Stops the system of `npm run up`; its data stay for the next one. */
import { parseArgs } from 'node:util';
import { stopOwner, withProgress } from '@mini-pg/local-stack';
import { containersOf, hasVolumes, removeProject } from '../lib/compose-containers.ts';
import { type ComposeProject, projectOf } from '../lib/compose-project.ts';
import { DATA_DIR, readLocalSystem, removeLocalSystem } from '../lib/local-system.ts';

const USAGE = `Usage: npm run down [-- --volumes]

  --volumes  of a system of containers, remove its data and secrets, too`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const log = (line: string): void => console.log(line);

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const volumes = readVolumes(args);
  if (volumes === undefined) return EXIT_USAGE;
  try {
    const compose = readLocalSystem()?.compose;
    const wasUp = await stopOwner(DATA_DIR, log);
    const project = compose ? { name: compose.project } : projectOf(DATA_DIR);
    const hadContainers = await removeContainers(project, volumes, compose !== undefined);
    removeLocalSystem();
    console.log(wasUp || hadContainers ? 'The system is down.' : 'Nothing was up.');
    return 0;
  } catch (error) {
    console.error(`down: ${error instanceof Error ? error.message : error}`);
    return EXIT_FAILED;
  }
}

/** @returns whether there were any */
async function removeContainers(
  project: ComposeProject,
  volumes: boolean,
  isKnown: boolean,
): Promise<boolean> {
  const containers = await containersOf(project).catch((error) => {
    // A system of processes needs no Docker to be stopped.
    if (isKnown) throw error;
    return [];
  });
  const hasData = containers.length > 0 || volumes ? await hasVolumes(project) : false;
  if (containers.length === 0 && !(volumes && hasData)) return false;
  await withProgress('removing containers', log, () => removeProject(project, { volumes }));
  if (hasData && !volumes) {
    const command =
      project.name === projectOf(DATA_DIR).name
        ? 'npm run down -- --volumes'
        : `docker compose --project-name ${project.name} down --volumes`;
    log(`Its data stay in volumes of Docker: \`${command}\` removes them.`);
  }
  return true;
}

function readVolumes(args: string[]): boolean | undefined {
  try {
    const options = { volumes: { type: 'boolean' } } as const;
    return parseArgs({ args, options, strict: true }).values.volumes ?? false;
  } catch (error) {
    console.error(`down: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return undefined;
  }
}
