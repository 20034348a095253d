import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BROKER_JAVA_FLAGS, BROKER_SETTINGS } from './broker-settings.ts';
import type { Guardian } from './guardian.ts';
import type { ProcessSpec } from './guardian-protocol.ts';
import { KAFKA_LIBS_DIR } from './paths.ts';
import type { ServerPlan } from './server.ts';

const STOP_TIMEOUT_MS = 15_000;
const INSTALL_HINT = 'Install Java 17 or newer: `apt-get install openjdk-17-jre-headless`.';

type KafkaOptions = {
  dataDir: string;
  logDir: string;
  port: number;
  controllerPort: number;
  sideDoor?: SideDoor | undefined;
};

/** Another port of the broker, of which clients are told a port in front of it, such as a proxy's. */
export type SideDoor = { port: number; advertisedPort: number };

/** One broker in KRaft mode, its own controller. Formats the log folder on its first start. */
export async function planKafka(guardian: Guardian, options: KafkaOptions): Promise<ServerPlan> {
  if (!existsSync(KAFKA_LIBS_DIR)) {
    throw new Error(
      `Kafka is not in ${KAFKA_LIBS_DIR}. Run \`node infra/bootstrap.mjs\`, which fetches it.`,
    );
  }
  const home = join(options.dataDir, 'kafka');
  const logs = join(home, 'logs');
  const properties = join(home, 'broker.properties');
  mkdirSync(home, { recursive: true });
  writeFileSync(properties, brokerProperties(logs, options));
  if (!existsSync(join(logs, 'meta.properties'))) await format(guardian, options, properties);
  return {
    spec: javaSpec(options, 'kafka', ['kafka.Kafka', properties]),
    // Printed once the broker is registered, unfenced and serves its listeners.
    isReady: (logged) => logged().includes('Kafka Server started'),
    // The broker locks the file itself, not its existence; a dead one only leaves the file.
    beforeStart: () => rmSync(join(logs, '.lock'), { force: true }),
    installHint: INSTALL_HINT,
  };
}

function brokerProperties(logs: string, options: KafkaOptions): string {
  const { sideDoor } = options;
  const map = 'listener.security.protocol.map';
  const settings: Record<string, string | number> = {
    ...BROKER_SETTINGS,
    ...(sideDoor && { [map]: `${BROKER_SETTINGS[map]},SIDE:PLAINTEXT` }),
    // Static voters: unlike dynamic ones they may come up on another port the next time.
    'controller.quorum.voters': `1@127.0.0.1:${options.controllerPort}`,
    listeners: [
      `PLAINTEXT://127.0.0.1:${options.port}`,
      `CONTROLLER://127.0.0.1:${options.controllerPort}`,
      ...(sideDoor ? [`SIDE://127.0.0.1:${sideDoor.port}`] : []),
    ].join(),
    'advertised.listeners': [
      `PLAINTEXT://127.0.0.1:${options.port}`,
      ...(sideDoor ? [`SIDE://127.0.0.1:${sideDoor.advertisedPort}`] : []),
    ].join(),
    'log.dirs': logs,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

async function format(
  guardian: Guardian,
  options: KafkaOptions,
  properties: string,
): Promise<void> {
  const arguments_ = ['format', '-t', newClusterId(), '-c', properties];
  const spec = javaSpec(options, 'kafka-format', ['kafka.tools.StorageTool', ...arguments_]);
  const run = await guardian.run(spec).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? `\`java\` is not installed. ${INSTALL_HINT}` : error;
    throw new Error(`Cannot prepare Kafka: ${reason}`, { cause: error });
  });
  const { code } = await run.exited;
  if (code !== 0)
    throw new Error(`Kafka's storage could not be formatted; see ${options.logDir}/kafka.log.`);
}

/** Kafka's form of a UUID: 16 bytes in base64url, never with a leading dash. */
function newClusterId(): string {
  return `M${randomBytes(16).toString('base64url').slice(1)}`;
}

function javaSpec(options: KafkaOptions, name: string, main: readonly string[]): ProcessSpec {
  return {
    name,
    command: 'java',
    args: [
      ...BROKER_JAVA_FLAGS,
      '-XX:+UseSerialGC',
      '-XX:+ExitOnOutOfMemoryError',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
      '-cp',
      join(KAFKA_LIBS_DIR, '*'),
      ...main,
    ],
    env: { PATH: process.env.PATH ?? '' },
    output: { file: join(options.logDir, 'kafka.log') },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    stage: 0,
  };
}
