/** The ways to get Postgres, Redis and Kafka, in the order in which they are tried. */
const STACK_KINDS = ['external', 'docker', 'native'] as const;
export type StackKind = (typeof STACK_KINDS)[number];

export const STACK_URL_VARIABLES = [
  'STACK_POSTGRES_URL',
  'STACK_REDIS_URL',
  'STACK_KAFKA_BROKERS',
] as const;

export type StackEnvironment = Readonly<Record<string, string | undefined>>;

/** What was picked, and why in words for one line of output. */
export type StackChoice = { kind: StackKind; why: string };

/** The environment asks for a stack that cannot be had; the message says what to change. */
export class StackChoiceError extends Error {
  override readonly name = 'StackChoiceError';
}

/** Whether a kind can be had here; `refusal` says what is in its way. */
export type Offer = { available: true; why: string } | { available: false; refusal: string };

/**
 * Decides where the servers come from: the first kind that is available, or the one that `STACK`
 * names. Throws `StackChoiceError` when `STACK` names one that is not available or unknown, and
 * when only some of the URLs are set: half of a setting is a mistake.
 *
 * @param askDocker finds out whether Docker can be used, which may take its time
 */
export async function chooseStack(
  environment: StackEnvironment,
  askDocker: () => Promise<Offer>,
): Promise<StackChoice> {
  const forced = environment.STACK;
  if (forced) return forcedChoice(forced, environment, askDocker);
  const missing = missingUrls(environment);
  if (missing.length === 0)
    return { kind: 'external', why: `${listOf(STACK_URL_VARIABLES)} are set` };
  if (missing.length < STACK_URL_VARIABLES.length) {
    throw new StackChoiceError(
      `${listOf(missing)} not set: set all of ${listOf(STACK_URL_VARIABLES)}, or none.`,
    );
  }
  const docker = await askDocker();
  if (docker.available) return { kind: 'docker', why: docker.why };
  return { kind: 'native', why: docker.refusal };
}

async function forcedChoice(
  forced: string,
  environment: StackEnvironment,
  askDocker: () => Promise<Offer>,
): Promise<StackChoice> {
  const kind = STACK_KINDS.find((candidate) => candidate === forced);
  const missing = missingUrls(environment);
  switch (kind) {
    case 'external':
      if (missing.length > 0)
        throw new StackChoiceError(
          `STACK=external: ${listOf(missing)} not set: set all three, or use STACK=native.`,
        );
      break;
    case 'docker': {
      const docker = await askDocker();
      if (!docker.available) {
        throw new StackChoiceError(
          `STACK=docker: ${docker.refusal}. Mend that, or use STACK=native, which needs no Docker.`,
        );
      }
      break;
    }
    case 'native':
      break;
    case undefined:
      throw new StackChoiceError(`STACK=${forced} is unknown: use one of ${listOf(STACK_KINDS)}.`);
    default:
      kind satisfies never;
  }
  return { kind, why: `STACK=${kind}` };
}

function missingUrls(environment: StackEnvironment): string[] {
  return STACK_URL_VARIABLES.filter((name) => !environment[name]);
}

function listOf(names: readonly string[]): string {
  return names.join(', ');
}
