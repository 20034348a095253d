import type { Offer } from './choose-stack.ts';
import { SERVER_IMAGES, STACK_IMAGES } from './containers.ts';
import { docker } from './docker.ts';
import type { Log } from './progress.ts';

const DAEMON_TIMEOUT_MS = 5_000;
const INSPECT_TIMEOUT_MS = 10_000;
/** For all images together, on a slow line. */
const PULL_TIMEOUT_MS = 300_000;

/** What the images of the services are built on; `infra/images/Dockerfile` names the same. */
const SERVICE_BASE_IMAGE = 'node:24-bookworm-slim';

/** Whether a daemon answers that has the images of the servers, or can pull them. */
export function offerDocker(log: Log): Promise<Offer> {
  return offerImages(log, STACK_IMAGES);
}

/** Whether the whole system can run by compose: the plugin is there too, and the base image. */
export async function offerCompose(log: Log): Promise<Offer> {
  const plugin = await docker(['compose', 'version', '--short'], INSPECT_TIMEOUT_MS);
  // Without a command line of Docker, the daemon's refusal says what is missing.
  if (!plugin.ok && plugin.reason !== 'not installed') {
    return { available: false, refusal: 'the plugin `docker compose` is not installed' };
  }
  return offerImages(log, [...Object.values(SERVER_IMAGES), SERVICE_BASE_IMAGE]);
}

async function offerImages(log: Log, images: readonly string[]): Promise<Offer> {
  const refusal = await daemonRefusal();
  if (refusal !== undefined) return { available: false, refusal };
  const deadline = performance.now() + PULL_TIMEOUT_MS;
  for (const image of images) {
    const found = await docker(
      ['image', 'inspect', '--format', '{{.Id}}', image],
      INSPECT_TIMEOUT_MS,
    );
    if (found.ok) continue;
    log(`pulling ${image}`);
    const pulled = await docker(
      ['pull', '--quiet', image],
      Math.max(1, deadline - performance.now()),
    );
    if (pulled.ok) continue;
    const why = pulled.reason === 'no answer' ? `not within ${PULL_TIMEOUT_MS} ms` : pulled.output;
    return {
      available: false,
      refusal: `the image ${image} is not there and cannot be pulled (${why})`,
    };
  }
  return { available: true, why: 'a Docker daemon answers and has the images' };
}

async function daemonRefusal(): Promise<string | undefined> {
  const version = await docker(['version', '--format', '{{.Server.Version}}'], DAEMON_TIMEOUT_MS);
  if (version.ok) return undefined;
  switch (version.reason) {
    case 'not installed':
      return 'Docker is not installed';
    case 'no answer':
      return `the Docker daemon does not answer within ${DAEMON_TIMEOUT_MS} ms`;
    case 'failed':
      return `no Docker daemon answers (${version.output})`;
    default:
      return version.reason satisfies never;
  }
}
