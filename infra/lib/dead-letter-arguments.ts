import { parseArgs } from 'node:util';
import { TOPICS, type Topic } from '@mini-pg/domain';
import { type DeadLetterId, deadLetterDecisionSchema, parseDeadLetterId } from '@mini-pg/messaging';

/** What somebody typed is no command; the message says why. */
export class UsageError extends Error {}

export type DeadLetterRequest =
  | { readonly verb: 'list'; readonly topic: Topic | undefined; all: boolean; json: boolean }
  | { readonly verb: 'show'; readonly id: DeadLetterId; readonly json: boolean }
  | {
      readonly verb: 'replay' | 'discard';
      readonly id: DeadLetterId;
      readonly reason: string;
      readonly by: string | undefined;
    };

export interface DeadLetterArguments {
  readonly request: DeadLetterRequest;
  /** Undefined for the system that is up. */
  readonly cluster: { readonly brokers: string; readonly topicPrefix: string } | undefined;
}

const CLUSTER = { kafka: { type: 'string' }, 'topic-prefix': { type: 'string' } } as const;
const LIST = {
  ...CLUSTER,
  topic: { type: 'string' },
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;
const SHOW = { ...CLUSTER, json: { type: 'boolean', default: false } } as const;
const DECIDE = { ...CLUSTER, reason: { type: 'string' }, by: { type: 'string' } } as const;

/** @throws UsageError */
export function readDeadLetterArguments(args: readonly string[]): DeadLetterArguments | 'help' {
  if (args.includes('--help') || args.includes('-h')) return 'help';
  const [verb, ...rest] = args;
  switch (verb) {
    case 'list': {
      const { values } = parse(() => parseArgs({ args: rest, options: LIST }));
      const { topic, all, json } = values;
      return withCluster(values, { verb, topic: readTopic(topic), all, json });
    }
    case 'show': {
      const options = { args: rest, options: SHOW, allowPositionals: true } as const;
      const { values, positionals } = parse(() => parseArgs(options));
      return withCluster(values, { verb, id: readId(positionals), json: values.json });
    }
    case 'replay':
    case 'discard': {
      const options = { args: rest, options: DECIDE, allowPositionals: true } as const;
      const { values, positionals } = parse(() => parseArgs(options));
      const id = readId(positionals);
      const decision = { verb, id, ...readDecision(values) };
      if (values.kafka !== undefined && decision.by === undefined) {
        throw new UsageError('--by NAME: on a cluster that is named, say who decides');
      }
      return withCluster(values, decision);
    }
    default:
      throw new UsageError(`${verb ?? 'nothing'} to do: use list, show, replay or discard`);
  }
}

function parse<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function withCluster(
  values: { kafka?: string | undefined; 'topic-prefix'?: string | undefined },
  request: DeadLetterRequest,
): DeadLetterArguments {
  const { kafka, 'topic-prefix': topicPrefix } = values;
  if (kafka === undefined) {
    if (topicPrefix !== undefined) throw new UsageError('--topic-prefix needs --kafka');
    return { request, cluster: undefined };
  }
  if (kafka.trim() === '') throw new UsageError('--kafka: name brokers as host:port');
  return { request, cluster: { brokers: kafka, topicPrefix: topicPrefix ?? '' } };
}

function readTopic(text: string | undefined): Topic | undefined {
  if (text === undefined) return undefined;
  const topic = (Object.keys(TOPICS) as Topic[]).find((name) => name === text);
  if (topic !== undefined) return topic;
  throw new UsageError(`--topic ${text}: there are ${Object.keys(TOPICS).join(', ')}`);
}

function readId(positionals: readonly string[]): DeadLetterId {
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0) throw new UsageError('give the id of one letter');
  const id = parseDeadLetterId(text);
  if (id !== undefined) return id;
  throw new UsageError(`${text} is no id of a letter: they look like payment.completed/0/17`);
}

function readDecision(values: { reason?: string | undefined; by?: string | undefined }) {
  const { shape } = deadLetterDecisionSchema;
  const reason = shape.reason.safeParse(values.reason);
  if (!reason.success) throw new UsageError('--reason TEXT: say why, in 1 to 200 characters');
  const by = shape.by.optional().safeParse(values.by);
  if (!by.success) throw new UsageError('--by NAME: give a name of 1 to 100 characters');
  return { reason: reason.data, by: by.data };
}
