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
type Offer = { available: true; why: string } | { available: false; refusal: string };

const OFFERS: Record<StackKind, (environment: StackEnvironment) => Offer> = {
  external: (environment) => {
    const missing = STACK_URL_VARIABLES.filter((name) => !environment[name]);
    if (missing.length === 0) {
      return { available: true, why: `${STACK_URL_VARIABLES.join(', ')} are set` };
    }
    return { available: false, refusal: `${missing.join(', ')} not set` };
  },
  docker: () => ({
    available: false,
    refusal: 'not supported yet; use STACK=native, or STACK=external with URLs of your own',
  }),
  native: () => ({ available: true, why: 'no server URLs in the environment' }),
};

/**
 * Decides where the servers come from: the first kind that is available, or the one that
 * `STACK` names. Throws `StackChoiceError` when `STACK` names one that is not available or
 * unknown, and when only some of the URLs are set: half of a setting is a mistake.
 */
export function chooseStack(environment: StackEnvironment): StackChoice {
  const forced = environment.STACK;
  if (forced) return forcedChoice(forced, environment);
  rejectPartialUrls(environment);
  for (const kind of STACK_KINDS) {
    const offer = OFFERS[kind](environment);
    if (offer.available) return { kind, why: offer.why };
  }
  throw new StackChoiceError('No stack is available on this machine.');
}

function forcedChoice(forced: string, environment: StackEnvironment): StackChoice {
  const kind = STACK_KINDS.find((candidate) => candidate === forced);
  if (!kind) {
    throw new StackChoiceError(`STACK=${forced} is unknown: use one of ${STACK_KINDS.join(', ')}.`);
  }
  const offer = OFFERS[kind](environment);
  if (!offer.available) throw new StackChoiceError(`STACK=${kind}: ${offer.refusal}.`);
  return { kind, why: `STACK=${kind}` };
}

function rejectPartialUrls(environment: StackEnvironment): void {
  const missing = STACK_URL_VARIABLES.filter((name) => !environment[name]);
  if (missing.length === 0 || missing.length === STACK_URL_VARIABLES.length) return;
  throw new StackChoiceError(
    `${missing.join(', ')} not set: set all of ${STACK_URL_VARIABLES.join(', ')}, or none.`,
  );
}
