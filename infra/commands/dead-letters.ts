/** Lists, shows, replays and discards the messages that consumers gave up. */
import {
  type DeadLetterCluster,
  DeadLetterError,
  type DeadLetterId,
  type DeadLetterRefusal,
  type DeadLetterResult,
  discardDeadLetter,
  formatDeadLetterId,
  KafkaError,
  listDeadLetters,
  replayDeadLetter,
  showDeadLetter,
} from '@mini-pg/messaging';
import { createLogger, readOperatorPublicKey, verifyOperatorToken } from '@mini-pg/runtime';
import {
  type DeadLetterArguments,
  type DeadLetterRequest,
  readDeadLetterArguments,
  UsageError,
} from '../lib/dead-letter-arguments.ts';
import {
  detailJson,
  detailLines,
  listLines,
  printable,
  resolutionLine,
} from '../lib/dead-letter-lines.ts';
import { readLocalSystem, requireLocalSystem } from '../lib/local-system.ts';
import { readServiceEnvironment } from '../lib/service-environment.ts';

const USAGE = `Usage: npm run dead-letters -- list [--topic TOPIC] [--all] [--json]
       npm run dead-letters -- show ID [--json]
       npm run dead-letters -- replay ID --reason "..." [--by NAME]
       npm run dead-letters -- discard ID --reason "..." [--by NAME]

  ID                a letter's id as \`list\` shows it, such as payment.completed/0/17
  --topic TOPIC     only the letters of one topic
  --all             also those that were replayed or discarded
  --json            for programs
  --reason TEXT     why, in 1 to 200 characters; kept with the letter
  --by NAME         who decides; the operator of the system that is up unless given
  --kafka BROKERS   another cluster than that of the system that is up: host:port, comma separated
  --topic-prefix P  what the names of that cluster's topics begin with; needs --kafka

Exit code: 0 done, 1 failed, 2 wrong usage, 3 already resolved, 4 no such letter,
5 cannot be replayed. With 2 to 5 nothing was changed.`;

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_REFUSED: Record<DeadLetterRefusal['kind'], number> = {
  RESOLVED: 3,
  UNKNOWN: 4,
  NO_VALUE: 5,
  SUPERSEDED: 5,
};

type Decision = Extract<DeadLetterRequest, { verb: 'replay' | 'discard' }>;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const read = readDeadLetterArguments(args);
    if (read === 'help') {
      console.log(USAGE);
      return EXIT_DONE;
    }
    return await run(read);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`dead-letters: ${printable(error.message)}\n\n${USAGE}`);
      return EXIT_USAGE;
    }
    if (!(error instanceof KafkaError || error instanceof DeadLetterError)) throw error;
    console.error(`dead-letters: ${printable(error.message)}`);
    return EXIT_FAILED;
  }
}

async function run({ request, cluster: named }: DeadLetterArguments): Promise<number> {
  const where = named ?? (await localCluster());
  if (where === undefined) {
    console.error('Nothing is up. `npm run up` starts the system, --kafka names another cluster.');
    return EXIT_FAILED;
  }
  // The person at the terminal gets the command's own words, not a log.
  const logger = createLogger({ service: 'dead-letters', level: 'silent' });
  const cluster = { ...where, logger };
  switch (request.verb) {
    case 'list':
      return list(cluster, request);
    case 'show':
      return show(cluster, request);
    case 'replay':
    case 'discard':
      return decide(cluster, request);
    default:
      return request satisfies never;
  }
}

async function localCluster(): Promise<{ brokers: string; topicPrefix: string } | undefined> {
  const local = readLocalSystem();
  if (!local) return undefined;
  const { TOPIC_PREFIX = '' } = await readServiceEnvironment(local, 'payment-api');
  return { brokers: local.kafka, topicPrefix: TOPIC_PREFIX };
}

async function list(
  cluster: DeadLetterCluster,
  { topic, all, json }: Extract<DeadLetterRequest, { verb: 'list' }>,
): Promise<number> {
  const letters = await listDeadLetters(cluster, { topic, all });
  console.log(json ? JSON.stringify(letters, null, 2) : listLines(letters).join('\n'));
  return EXIT_DONE;
}

async function show(
  cluster: DeadLetterCluster,
  { id, json }: Extract<DeadLetterRequest, { verb: 'show' }>,
): Promise<number> {
  const letter = await showDeadLetter(cluster, id);
  if (letter === undefined) return refuse(id, { kind: 'UNKNOWN' });
  const lines = detailLines(letter);
  console.log(json ? JSON.stringify(detailJson(letter), null, 2) : lines.join('\n'));
  return EXIT_DONE;
}

async function decide(cluster: DeadLetterCluster, request: Decision): Promise<number> {
  const { id, reason } = request;
  const decision = { by: request.by ?? (await localOperator()), reason, at: new Date() };
  const act = request.verb === 'replay' ? replayDeadLetter : discardDeadLetter;
  return report(id, await act(cluster, id, decision));
}

/** @throws UsageError when the token of the system that is up says nothing any more. */
async function localOperator(): Promise<string> {
  const local = requireLocalSystem();
  const { OPERATOR_PUBLIC_KEY = '' } = await readServiceEnvironment(local, 'payment-api');
  const key = readOperatorPublicKey(OPERATOR_PUBLIC_KEY);
  const operator = await verifyOperatorToken(local.adminToken, key);
  if (operator !== null) return operator.name;
  throw new UsageError("--by NAME: the operator's token of the system that is up has run out");
}

function report(id: DeadLetterId, result: DeadLetterResult): number {
  if (!result.ok) return refuse(id, result.refusal);
  console.log(`${result.letter.id}:`);
  for (const entry of result.letter.history) console.log(printable(resolutionLine(entry)));
  return EXIT_DONE;
}

function refuse(id: DeadLetterId, refusal: DeadLetterRefusal): number {
  console.error(`${formatDeadLetterId(id)}: ${refusalText(refusal)}. Nothing was changed.`);
  if (refusal.kind === 'RESOLVED') {
    for (const entry of refusal.letter.history) console.error(printable(resolutionLine(entry)));
  }
  return EXIT_REFUSED[refusal.kind];
}

function refusalText(refusal: DeadLetterRefusal): string {
  switch (refusal.kind) {
    case 'UNKNOWN':
      return 'there is no such dead letter';
    case 'RESOLVED':
      return `this letter is already ${refusal.letter.status}`;
    case 'NO_VALUE':
      return refusal.letter.valueOmitted
        ? 'the value was too large to be kept, so it cannot be replayed'
        : 'the value is empty, so there is nothing to replay';
    case 'SUPERSEDED':
      return 'a newer event of the same key says all that this one did: discard this letter';
    default:
      return refusal satisfies never;
  }
}
