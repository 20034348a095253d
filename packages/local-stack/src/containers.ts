import { randomBytes, randomUUID } from 'node:crypto';
import type { GenericContainer } from 'testcontainers';
import { BROKER_JAVA_FLAGS, BROKER_SETTINGS, brokerVariable } from './broker-settings.ts';
import { findFreePort } from './free-port.ts';
import type { ServerName } from './native.ts';
import { POSTGRES_SETTINGS } from './postgres-settings.ts';
import { withProgress } from './progress.ts';
import { removeAtEnd } from './remove-at-end.ts';
import type { Site } from './site.ts';

/** The images of the servers; `docker-compose.yml` names the same. */
export const SERVER_IMAGES: Record<ServerName, string> = {
  postgres: 'postgres:18',
  redis: 'redis:8',
  kafka: 'apache/kafka:4.3.0',
};

/** With the one by which Testcontainers removes what a killed process leaves. */
export const STACK_IMAGES = [...Object.values(SERVER_IMAGES), 'testcontainers/ryuk:0.14.0'];

const LABEL = 'mini-pg.stack';
const READY_TIMEOUT_MS = 180_000;
const HEALTH_INTERVAL_MS = 1_000;
const HEALTH_TIMEOUT_MS = 5_000;
const HEALTH_RETRIES = 180;

/**
 * Starts the named servers as containers of Testcontainers and resolves with their
 * URLs. The site's guardian removes them at the end of the site; should it be killed as well, the
 * reaper of Testcontainers does.
 */
export async function startContainers(
  site: Site,
  names: readonly ServerName[],
): Promise<Partial<Record<ServerName, string>>> {
  const id = randomUUID();
  await removeAtEnd(site, { label: `${LABEL}=${id}`, volumes: true });
  const start = async (name: ServerName): Promise<[ServerName, string]> => {
    const port = await findFreePort();
    const what = `starting ${SERVER_IMAGES[name]} on port ${port}`;
    return [name, await withProgress(what, site.log, () => STARTERS[name](id, port))];
  };
  // One by itself: containers that start first at the same time start a reaper each.
  const [first, ...rest] = names;
  const started = first ? [await start(first), ...(await Promise.all(rest.map(start)))] : [];
  return Object.fromEntries(started);
}

const STARTERS: Record<ServerName, (id: string, port: number) => Promise<string>> = {
  async postgres(id, port) {
    const password = randomBytes(24).toString('base64url');
    const settings = Object.entries(POSTGRES_SETTINGS);
    const container = await containerOf('postgres', id, { inside: 5432, outside: port }, [
      'pg_isready',
      '--host=127.0.0.1',
      '--username=postgres',
    ]);
    const started = await container
      .withEnvironment({ POSTGRES_PASSWORD: password })
      .withCommand(['postgres', ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])])
      .start();
    return `postgres://postgres:${password}@${started.getHost()}:${port}/postgres`;
  },
  async redis(id, port) {
    const test = ['redis-cli', 'ping'];
    const container = await containerOf('redis', id, { inside: 6379, outside: port }, test);
    const command = ['redis-server', '--save', '', '--appendonly', 'no'];
    const started = await container.withCommand(command).start();
    return `redis://${started.getHost()}:${port}`;
  },
  async kafka(id, port) {
    const test = ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`];
    const container = await containerOf('kafka', id, { inside: port, outside: port }, test);
    const started = await container.withEnvironment(brokerEnvironment(port)).start();
    return `${started.getHost()}:${port}`;
  },
};

/** It is asked inside the container: a published port takes connections before the server does. */
async function containerOf(
  name: ServerName,
  id: string,
  { inside, outside }: { inside: number; outside: number },
  test: readonly string[],
): Promise<GenericContainer> {
  // Here, because it costs half a second that only a stack of containers needs.
  const { GenericContainer, Wait } = await import('testcontainers');
  return new GenericContainer(SERVER_IMAGES[name])
    .withLabels({ [LABEL]: id })
    .withExposedPorts({ container: inside, host: outside })
    .withHealthCheck({
      test: ['CMD', ...test],
      interval: HEALTH_INTERVAL_MS,
      timeout: HEALTH_TIMEOUT_MS,
      retries: HEALTH_RETRIES,
    })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(READY_TIMEOUT_MS);
}

/** One variable of the broker's replaces all the defaults of its image. */
function brokerEnvironment(port: number): Record<string, string> {
  const settings = {
    ...BROKER_SETTINGS,
    'controller.quorum.voters': '1@127.0.0.1:9093',
    listeners: `PLAINTEXT://:${port},CONTROLLER://127.0.0.1:9093`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': '/tmp/kafka-logs',
  };
  const variables = Object.entries(settings).map(([name, value]) => [
    brokerVariable(name),
    String(value),
  ]);
  return { ...Object.fromEntries(variables), KAFKA_HEAP_OPTS: BROKER_JAVA_FLAGS.join(' ') };
}
