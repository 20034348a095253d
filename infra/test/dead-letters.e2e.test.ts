import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Consumer,
  createProducer,
  createTopics,
  type DeadLetter,
  deleteTopics,
  type EventProducer,
  listDeadLetters,
  startConsumer,
} from '@mini-pg/messaging';
import { createLogger, createRegistry, newId } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * The command as somebody types it, on a topic of the test's own with a consumer that gives up
 * what is no event.
 */
const COMMAND = fileURLToPath(new URL('../commands/dead-letters.ts', import.meta.url));
const TOPIC = 'payment.progressed';
const logger = createLogger({ service: 'test', level: 'silent' });
const prefix = `t${newId().slice(-12)}.`;
const why = ['--reason', 'the consumer is mended', '--by', 'kim'];

type Result = { code: number | null; stdout: string; stderr: string };

let dataDir: string;
let producer: EventProducer;
let consumer: Consumer;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'dead-letters-test-'));
  const brokers = testStack().kafkaBrokers;
  const shared = { brokers, topicPrefix: prefix, logger, registry: createRegistry('test') };
  await createTopics({ ...shared, producer: 'pg-processor', consumes: [TOPIC], partitions: 1 });
  producer = await createProducer({ ...shared, clientId: 'test' });
  consumer = await startConsumer({
    ...shared,
    producer,
    groupId: `${prefix}group`,
    clientId: 'test',
    topics: [TOPIC],
    handle: async () => undefined,
  });
  await producer.publish([
    { topic: `${prefix}${TOPIC}`, key: 'k', value: 'first' },
    { topic: `${prefix}${TOPIC}`, key: 'k', value: 'second' },
  ]);
  await waitForLetters(2);
});

afterAll(async () => {
  await consumer?.stop();
  await producer?.stop();
  await deleteTopics({ brokers: testStack().kafkaBrokers, topicPrefix: prefix });
  rmSync(dataDir, { recursive: true, force: true });
});

describe('dead-letters', () => {
  it('lists what a consumer gave up, and shows one of them', async () => {
    const { code, stdout } = await onCluster('list', '--topic', TOPIC);
    expect(code).toBe(0);
    expect(stdout).toContain(`${TOPIC}/0/0  OPEN    ${prefix}group  0/0`);
    const shown = await onCluster('show', `${TOPIC}/0/1`);
    expect(shown.stdout).toMatch(/reason +the value is not JSON/);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/value\n {2}second\n$/) });
  });

  it('records a discard, and takes no second decision: exit code 3', async () => {
    const id = `${TOPIC}/0/0`;
    expect(await onCluster('discard', id, ...why)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('DISCARDED by kim: the consumer is mended'),
    });
    for (const verb of ['discard', 'replay']) {
      const { code, stderr } = await onCluster(verb, id, '--reason', 'x', '--by', 'lee');
      expect(code).toBe(3);
      expect(stderr).toContain(`${id}: this letter is already DISCARDED. Nothing was changed.`);
      expect(stderr).toContain('by kim');
    }
    const all = await onCluster('list', '--all', '--json');
    expect(JSON.parse(all.stdout)).toMatchObject([{ history: [{ by: 'kim' }] }, { history: [] }]);
  });

  it('replays: what fails again is a new letter that names the old one', async () => {
    const id = `${TOPIC}/0/1`;
    expect(await onCluster('replay', id, ...why)).toMatchObject({ code: 0 });
    const [again] = await waitForLetters(1);
    expect(again).toMatchObject({ replayedFrom: id, status: 'OPEN' });
  });

  it('knows no such letter: exit code 4', async () => {
    for (const args of [['show'], ['replay', ...why], ['discard', ...why]]) {
      const [verb = '', ...rest] = args;
      const { code, stderr } = await onCluster(verb, `${TOPIC}/0/999`, ...rest);
      expect({ code, stderr }).toMatchObject({ code: 4 });
      expect(stderr).toContain('there is no such dead letter');
    }
  });

  it('replays nothing that is empty: exit code 5', async () => {
    await producer.publish([{ topic: `${prefix}${TOPIC}`, key: 'k', value: '' }]);
    const letters = await waitForLetters(2);
    const empty = letters.find(({ hasValue }) => !hasValue);
    const { code, stderr } = await onCluster('replay', String(empty?.id), ...why);
    expect(stderr).toContain('the value is empty');
    expect(code).toBe(5);
  });

  it('explains wrong usage: exit code 2', async () => {
    const { code, stderr } = await onCluster('discard', `${TOPIC}/0/1`, '--by', 'kim');
    expect(stderr).toContain('--reason TEXT');
    expect(stderr).toContain('Usage: npm run dead-letters');
    expect(code).toBe(2);
  });

  it('fails where no broker answers, and where nothing is up: exit code 1', async () => {
    const { code, stderr } = await command('list', '--kafka', '127.0.0.1:1');
    expect(stderr).toContain('no Kafka broker answers at 127.0.0.1:1');
    expect(code).toBe(1);
    expect(await command('list')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Nothing is up.'),
    });
  });
});

async function waitForLetters(count: number): Promise<DeadLetter[]> {
  const cluster = { brokers: testStack().kafkaBrokers, topicPrefix: prefix, logger };
  let letters: DeadLetter[] = [];
  await waitFor(
    async () => {
      letters = await listDeadLetters(cluster);
      return letters.length >= count;
    },
    { what: `${count} dead letters` },
  );
  return letters;
}

function onCluster(...args: string[]): Promise<Result> {
  return command(...args, '--kafka', testStack().kafkaBrokers, '--topic-prefix', prefix);
}

function command(...args: string[]): Promise<Result> {
  const child = spawn(process.execPath, ['--conditions=source', COMMAND, ...args], {
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    result.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    result.stderr += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...result })));
}
