import { setTimeout as sleep } from 'node:timers/promises';
import { isHealthy, SERVICE_NAMES } from '@mini-pg/local-stack';
import type { Bench, BenchContext } from '../bench.ts';
import { askDocker, type Contained, startContainersForBench } from '../system/compose.ts';
import { BASE_IMAGE, type ImageFacts, type Part, reportOf } from './images-report.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_INTERVAL_MS = 5;
const KIBIBYTE = 1_024;

/** Parts of what an image adds to its base, each with the shell pattern of its files. */
const PARTS = {
  'Kafka client': 'node_modules/.pnpm/@confluentinc+kafka-javascript@*',
  'our packages and the service': 'dist node_modules/.pnpm/@mini-pg*',
  'all packages': 'node_modules',
} as const;

export const images: Bench = {
  name: 'images',
  describe: 'Size of each image and what is in it, and how soon a service is ready.',
  async run(context) {
    const services = await startContainersForBench(context);
    context.note([
      { name: 'Docker', value: await askDocker('version', '--format', '{{.Server.Version}}') },
      { name: BASE_IMAGE, value: await askDocker('image', 'inspect', '-f', '{{.Id}}', BASE_IMAGE) },
    ]);
    const coldStarts = await measureStarts(context, services);
    const facts: ImageFacts[] = [];
    for (const name of [...SERVICE_NAMES, 'auditor', 'local-setup'])
      facts.push(await lookInto(name));
    return reportOf(await sizeOf(BASE_IMAGE), facts, coldStarts);
  },
};

/** Milliseconds from `docker start` to the first answer of /health/ready, by service. */
async function measureStarts(
  context: BenchContext,
  services: readonly Contained[],
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>();
  for (let round = 1; round <= context.settings.rounds; round += 1) {
    for (const one of services) {
      const taken = await coldStart(one);
      context.log(`round ${round}: ${one.service} is ready after ${Math.round(taken)} ms`);
      times.set(one.service, [...(times.get(one.service) ?? []), taken]);
    }
  }
  return times;
}

async function coldStart({ container, url }: Contained): Promise<number> {
  await askDocker('stop', container);
  const startedAt = performance.now();
  await askDocker('start', container);
  while (!(await isHealthy(url))) {
    if (performance.now() - startedAt > READY_TIMEOUT_MS) {
      throw new Error(`${container} was not ready in ${READY_TIMEOUT_MS} ms`);
    }
    await sleep(READY_INTERVAL_MS);
  }
  return performance.now() - startedAt;
}

async function lookInto(name: string): Promise<ImageFacts> {
  const image = `mini-pg/${name}:${process.env.MINI_PG_VERSION ?? 'local'}`;
  const history = await askDocker(
    'history',
    '--no-trunc',
    '--human=false',
    '--format',
    LAYER,
    image,
  );
  const parts = await Promise.all(Object.entries(PARTS).map((part) => measurePart(image, part)));
  return { name, bytes: await sizeOf(image), layers: ownLayers(history), parts };
}

const LAYER = '{{.Size}}\t{{.CreatedBy}}';

/** Docker lists the newest first; ours end where the base's last line, its command, begins. */
function ownLayers(history: string): Part[] {
  const lines = history.split('\n').map((line) => {
    const [size = '0', by = ''] = line.split('\t');
    return { bytes: Number(size), what: by };
  });
  const base = lines.findIndex(({ what }) =>
    /^(\/bin\/sh -c #\(nop\) +)?CMD \["node"\]/.test(what),
  );
  return lines
    .slice(0, base)
    .filter(({ bytes }) => bytes > 0)
    .reverse();
}

async function measurePart(image: string, [what, files]: [string, string]): Promise<Part> {
  const script = `cd /app && du -ck ${files} 2>/dev/null | tail -n 1 | cut -f1`;
  const run = ['run', '--rm', '--network=none', '--entrypoint=sh', image, '-c', script];
  return { what, bytes: Number(await askDocker(...run)) * KIBIBYTE };
}

async function sizeOf(image: string): Promise<number> {
  return Number(await askDocker('image', 'inspect', '--format', '{{.Size}}', image));
}
