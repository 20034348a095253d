import { EVENT_SCHEMAS, TOPICS, type Topic } from '@mini-pg/domain';
import { stringify } from 'yaml';
import { z } from 'zod';

type Json = Record<string, unknown>;

/** What each topic tells, for people who read it from outside. */
const SUMMARIES: Record<Topic, string> = {
  'payment.requested': 'A merchant asked for a payment; it is stored and waits for its outcome.',
  'payment.completed': 'The payment is authorized and captured.',
  'payment.failed': 'The payment ended without a capture.',
  'payment.progressed': 'An attempt left the straight path: its outcome is being found out.',
  'payment.cancel-requested': 'A cancel was asked for; its amount is reserved.',
  'payment.cancelled': 'An amount was given back at the PG. No service publishes it yet.',
  'payment.cancel-failed': 'A cancel ended without effect. No service publishes it yet.',
  'payment.reversed':
    'A capture that was never reported to the merchant was undone. No service publishes it yet.',
  'payment.settled': 'The payment is a line of a closed statement.',
  'settlement.closed': "A merchant's statement of a day is closed; its lines come on their own.",
  'settlement.items': 'Lines of a closed statement, at most 500 a message.',
  'merchant.updated': 'A merchant as it is now, with all of its dated terms.',
};

const INTRODUCTION = `Every event of Mini PG, one topic per fact.

- The value is a JSON envelope after CloudEvents 1.0; \`type\` is the topic's name without a deployment's prefix (\`TOPIC_PREFIX\`).
- Delivery is at least once and there is no order between topics: drop an event whose \`id\` you have seen, and derive nothing from the order of arrival.
- Fields are only added. Ignore what you do not know.
- Money is an integer of minor units with its ISO 4217 currency; instants are RFC 3339 in UTC; business dates are those of Asia/Seoul.
- A topic with \`x-private: true\` is between the platform's own services and carries sealed fields (AES-256-GCM). The others hold no secret and no personal data.
- What a consumer of the platform gives up goes to \`<topic>.dlq\` with the reason in its headers. An operator may send it again: the same event, with the header \`replayed-from\`.`;

/**
 * `docs/reference/asyncapi.yaml`: AsyncAPI 3.0, from the schemas that producers and consumers
 * themselves parse with. Operations are the platform's: it sends.
 */
export function asyncApiYaml(): string {
  const notice =
    ' Made by `npm run generate` from packages/domain. Change that, then run it again.';
  return stringify(asyncApiDocument(), {
    aliasDuplicateObjects: false,
    blockQuote: 'literal',
    lineWidth: 100,
    commentString: (text) => text.replaceAll(/^/gm, '#'),
  }).replace(/^/, `#${notice}\n`);
}

export function asyncApiDocument(): Json {
  const topics = Object.keys(EVENT_SCHEMAS) as Topic[];
  const schemas: Json = {};
  const messages = fromTopics(topics, (topic) => messageOf(topic, schemas));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Mini PG events',
      version: '1.0.0',
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: fromTopics(topics, channelOf),
    operations: fromTopics(topics, operationOf, (topic) => `send-${topic}`),
    components: { messages, schemas: sorted(schemas) },
  };
}

function channelOf(topic: Topic): Json {
  const { partitions, cleanup, retentionMs, private: isPrivate } = TOPICS[topic];
  return {
    address: topic,
    summary: SUMMARIES[topic],
    ...(isPrivate && { 'x-private': true }),
    messages: { [topic]: { $ref: `#/components/messages/${topic}` } },
    bindings: {
      kafka: {
        topic,
        partitions,
        topicConfiguration: {
          'cleanup.policy': [cleanup],
          ...(cleanup === 'delete' && { 'retention.ms': retentionMs }),
        },
        bindingVersion: '0.5.0',
      },
    },
  };
}

function operationOf(topic: Topic): Json {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${topic}` },
    title: `${TOPICS[topic].producer} publishes ${topic}`,
    messages: [{ $ref: `#/channels/${topic}/messages/${topic}` }],
  };
}

/** Named schemas are moved from the message to `schemas`, where all messages share them. */
function messageOf(topic: Topic, schemas: Json): Json {
  const { key } = TOPICS[topic];
  const payload = jsonSchemaOf(EVENT_SCHEMAS[topic]);
  Object.assign(schemas, payload.definitions);
  delete payload.definitions;
  return {
    name: topic,
    title: topic,
    summary: SUMMARIES[topic],
    headers: {
      type: 'object',
      properties: {
        'event-id': { type: 'string', format: 'uuid', description: 'The `id` of the envelope.' },
        traceparent: { type: 'string', description: 'W3C Trace Context, where there is one.' },
      },
      required: ['event-id'],
    },
    payload,
    bindings: {
      kafka: {
        key: { type: 'string', format: 'uuid', description: `The ${key} id.` },
        bindingVersion: '0.5.0',
      },
    },
  };
}

/** JSON Schema draft 7, which AsyncAPI's own schemas extend; as a reader sees it: open to fields. */
function jsonSchemaOf(schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      // The format says it; its pattern is a page of signs.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      delete jsonSchema.id;
    },
  });
  const { $schema: _, ...body } = json;
  const moved = JSON.stringify(body).replaceAll('#/definitions/', '#/components/schemas/');
  return JSON.parse(moved) as Json;
}

function fromTopics(
  topics: readonly Topic[],
  describe: (topic: Topic) => Json,
  nameOf: (topic: Topic) => string = (topic) => topic,
): Json {
  return Object.fromEntries(topics.map((topic) => [nameOf(topic), describe(topic)]));
}

function sorted(object: Json): Json {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
