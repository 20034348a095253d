import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository; this file is three levels below it, as source and as build. */
export const REPOSITORY_DIR = fileURLToPath(new URL('../../../', import.meta.url));

/** The jars of the Kafka broker, put there by `infra/bootstrap.mjs`. */
export const KAFKA_LIBS_DIR = join(REPOSITORY_DIR, '.tools', 'kafka', 'libs');
