import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAILURE_CODES, PAYMENT_STATUSES, TOPICS, type Topic } from '@mini-pg/domain';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { HTTP_ERRORS } from '@mini-pg/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { asyncApiYaml } from './asyncapi.ts';
import { DOCUMENTS, staleDocuments, writeDocuments } from './documents.ts';
import { errorsPage } from './errors-page.ts';
import { statesPage } from './states-page.ts';

/** Each service is asked by a process of its own. */
const TIMEOUT_MS = 60_000;

describe('the documents in the repository', { timeout: TIMEOUT_MS }, () => {
  it('are what the code says; else run `npm run generate`', async () => {
    expect(await staleDocuments(REPOSITORY_DIR)).toEqual([]);
  });
});

describe('documents in a folder', { timeout: TIMEOUT_MS }, () => {
  /** Written by hand in part: nothing makes them from nothing. */
  const pages = ['docs/reference/configuration.md', 'docs/reference/http.md'];
  const whole = Object.keys(DOCUMENTS).filter((path) => !pages.includes(path));
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'documents-'));
    for (const page of pages) cpSync(join(REPOSITORY_DIR, page), join(dir, page));
  });

  afterEach(() => rmSync(dir, { recursive: true }));

  it('are stale while they are missing, and not once they are written', async () => {
    expect(await staleDocuments(dir)).toEqual(whole);
    expect(await writeDocuments(dir)).toEqual(whole);
    expect(await staleDocuments(dir)).toEqual([]);
    expect(await writeDocuments(dir)).toEqual([]);
  });

  it('are stale when somebody changed one by hand, and named', async () => {
    await writeDocuments(dir);
    appendFileSync(join(dir, 'docs/reference/errors.md'), ' ');
    expect(await staleDocuments(dir)).toEqual(['docs/reference/errors.md']);
  });

  it('are stale when somebody changed the generated part of a page', async () => {
    await writeDocuments(dir);
    const page = join(dir, 'docs/reference/http.md');
    writeFileSync(page, readFileSync(page, 'utf8').replace('Request a payment', 'Ask'));
    expect(await staleDocuments(dir)).toEqual(['docs/reference/http.md']);
  });
});

describe('the AsyncAPI document', () => {
  const document = parse(asyncApiYaml()) as Record<string, unknown>;

  it('has the shape of AsyncAPI 3.0', () => {
    const reference = z.strictObject({ $ref: z.string() });
    const schema = z.strictObject({
      asyncapi: z.literal('3.0.0'),
      info: z.looseObject({ title: z.string(), version: z.string() }),
      defaultContentType: z.literal('application/json'),
      channels: z.record(
        z.string(),
        z.looseObject({
          address: z.string(),
          messages: z.record(z.string(), reference),
          bindings: z.strictObject({
            kafka: z.looseObject({ topic: z.string(), partitions: z.int().min(1) }),
          }),
        }),
      ),
      operations: z.record(
        z.string(),
        z.looseObject({
          action: z.literal('send'),
          channel: reference,
          messages: z.array(reference).length(1),
        }),
      ),
      components: z.strictObject({
        messages: z.record(
          z.string(),
          z.looseObject({
            name: z.string(),
            headers: z.looseObject({ type: z.literal('object') }),
            payload: z.looseObject({ type: z.literal('object') }),
          }),
        ),
        schemas: z.record(z.string(), z.looseObject({ type: z.string() })),
      }),
    });
    expect(schema.safeParse(document).error).toBeUndefined();
  });

  it('has a channel, an operation and a message for every topic, and no other', () => {
    const topics = Object.keys(TOPICS).sort();
    expect(Object.keys(at(document, '#/channels')).sort()).toEqual(topics);
    expect(Object.keys(at(document, '#/components/messages')).sort()).toEqual(topics);
    expect(Object.keys(at(document, '#/operations')).sort()).toEqual(
      topics.map((topic) => `send-${topic}`),
    );
  });

  it('refers to nothing that is not there', () => {
    const references = referencesIn(document);
    expect(references.length).toBeGreaterThan(Object.keys(TOPICS).length);
    for (const reference of references) expect(at(document, reference)).toBeTypeOf('object');
  });

  it('marks the private topics', () => {
    const channels = at(document, '#/channels') as Record<Topic, { 'x-private'?: true }>;
    for (const topic of Object.keys(TOPICS) as Topic[]) {
      expect(channels[topic]['x-private'] ?? false).toBe(TOPICS[topic].private);
    }
  });

  it('lets a reader meet fields that were added later', () => {
    expect(asyncApiYaml()).not.toContain('additionalProperties: false');
  });
});

describe('the page of errors', () => {
  it('has every problem and every failure code once', () => {
    const page = errorsPage();
    for (const code of [...Object.keys(HTTP_ERRORS), ...FAILURE_CODES]) {
      const rows = page.split('\n').filter((line) => line.startsWith('|') && hasCell(line, code));
      // NOT_FOUND is a problem and a failure.
      expect(rows, code).toHaveLength(code === 'NOT_FOUND' ? 2 : 1);
    }
  });
});

describe('the page of states', () => {
  it('draws a way to every status of a payment', () => {
    const page = statesPage();
    for (const status of PAYMENT_STATUSES) expect(page).toMatch(new RegExp(`--> ${status}\\b`));
  });

  it('draws no way out of FAILED', () => {
    expect(statesPage()).not.toMatch(/^ {2}FAILED -->/m);
  });
});

/** What a reference of a document points at. */
function at(document: unknown, reference: string): object {
  const path = reference.replace(/^#\//, '').split('/');
  let value = document;
  for (const name of path) value = (value as Record<string, unknown>)[name];
  return value as object;
}

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('$ref' in value) return [String(value.$ref)];
  return Object.values(value).flatMap(referencesIn);
}

function hasCell(line: string, code: string): boolean {
  return line.includes(`| \`${code}\` |`);
}
