import { INSTANCES_MAX, SCALABLE_SERVICES, type ScalableService } from '@mini-pg/local-stack';

/** How many instances of a service are asked for; one of each that is not named. */
export type Scale = Partial<Record<ScalableService, number>>;

/** An argument that `--scale` does not take; the message says what it does. */
export class ScaleError extends Error {
  override readonly name = 'ScaleError';
}

/**
 * Reads the values of `--scale`, each `service=count`, as compose has them.
 *
 * @throws ScaleError for a service that is unknown, that cannot be scaled or is named twice, and
 *   for a count that is no integer from 1 to `INSTANCES_MAX`
 */
export function parseScale(values: readonly string[]): Scale {
  const scale: Scale = {};
  for (const value of values) {
    const [name = '', count, ...rest] = value.split('=');
    const service = SCALABLE_SERVICES.find((candidate) => candidate === name);
    if (!service) throw new ScaleError(`--scale ${value}: ${refusalOf(name)}`);
    if (scale[service] !== undefined) throw new ScaleError(`--scale ${value}: given twice`);
    if (rest.length > 0 || !isCount(count)) {
      throw new ScaleError(
        `--scale ${value}: give ${service}=N, with N from 1 to ${INSTANCES_MAX}`,
      );
    }
    scale[service] = Number(count);
  }
  return scale;
}

function refusalOf(name: string): string {
  const services = `use ${SCALABLE_SERVICES.join(', ')}`;
  return name === 'pg-simulator'
    ? `pg-simulator runs once, its ledger belongs to one process: ${services}`
    : `there is no service ${JSON.stringify(name)}: ${services}`;
}

function isCount(text: string | undefined): boolean {
  return /^\d+$/.test(text ?? '') && Number(text) >= 1 && Number(text) <= INSTANCES_MAX;
}
