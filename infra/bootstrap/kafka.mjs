import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isStamped, ROOT, runStep, stamp, stateOf, TOOLS } from './run.mjs';

const POM = join(ROOT, 'infra', 'kafka', 'pom.xml');
const KAFKA_DIR = join(TOOLS, 'kafka');

/** Fetches the jars of the Kafka broker, unless they are as `infra/kafka/pom.xml` says. */
export async function ensureKafka() {
  const state = stateOf([POM]);
  if (isStamped('kafka', state) && existsSync(join(KAFKA_DIR, 'libs'))) return;
  const draft = `${KAFKA_DIR}.draft`;
  rmSync(draft, { recursive: true, force: true });
  await runStep('Fetching Kafka with Maven', 'mvn', [
    '--batch-mode',
    '--no-transfer-progress',
    '--file',
    POM,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${join(draft, 'libs')}`,
  ]);
  rmSync(KAFKA_DIR, { recursive: true, force: true });
  renameSync(draft, KAFKA_DIR);
  stamp('kafka', state);
}
