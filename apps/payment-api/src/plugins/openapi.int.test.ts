import { HTTP_ERRORS, newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  newMerchant,
  operatorToken,
  startApi,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';

type Json = Record<string, unknown>;

interface Operation {
  readonly summary?: string;
  readonly security?: Json[];
  readonly parameters?: Json[];
  readonly requestBody?: { content: Record<string, Media> };
  readonly responses: Record<string, { description: string; content?: Record<string, Media> }>;
}

interface Media {
  readonly schema: Json;
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json> };
}

const ID = 'https://example.test/openapi';

let database: TestDatabase;
let api: TestApi;
let document: Document;
let operations: [string, Operation][];

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  api = await startApi({ database, prefix: uniquePrefix(), redisUrl: STOPPED_REDIS_URL });
  const response = await api.call({ method: 'GET', url: '/openapi.json' });
  expect(response.headers['content-type']).toContain('application/json');
  document = response.json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

/** A check of a schema that may refer to the components of the document. */
function checkOf(schema: unknown) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: ID, components: document.components } as AnySchema);
  const text = JSON.stringify(schema).replaceAll('"#/', `"${ID}#/`);
  return ajv.compile(JSON.parse(text));
}

interface Example {
  readonly where: string;
  readonly schema: unknown;
  readonly value: unknown;
}

/** Every example of the document, with the schema that it stands for. */
function examplesOf(part: unknown, where: string): Example[] {
  if (Array.isArray(part)) {
    return part.flatMap((value, index) => examplesOf(value, `${where}/${index}`));
  }
  if (typeof part !== 'object' || part === null) return [];
  const { example, examples, schema = part } = part as Json;
  const values = [
    ...(Array.isArray(examples) ? examples : []),
    ...(example === undefined ? [] : [example]),
  ];
  return [
    ...values.map((value) => ({ where, schema, value })),
    ...Object.entries(part)
      .filter(([key]) => key !== 'example' && key !== 'examples')
      .flatMap(([key, value]) => examplesOf(value, `${where}/${key}`)),
  ];
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document) as never);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  it('lists every call of the design', () => {
    expect(operations.map(([name]) => name).sort()).toEqual([
      'DELETE /api/v1/admin/merchants/{id}/keys/{keyId}',
      'GET /api/v1/admin/merchants/{id}',
      'GET /api/v1/admin/payments/{id}/cancels/{cancelId}',
      'GET /api/v1/payments',
      'GET /api/v1/payments/{id}',
      'GET /api/v1/payments/{id}/cancels/{cancelId}',
      'GET /api/v1/payments/{id}/timeline',
      'GET /api/v1/settlements',
      'GET /api/v1/settlements/{id}',
      'GET /api/v1/settlements/{id}/items',
      'PATCH /api/v1/admin/merchants/{id}',
      'POST /api/v1/admin/merchants',
      'POST /api/v1/admin/merchants/{id}/keys',
      'POST /api/v1/admin/payments/{id}/cancels',
      'POST /api/v1/payments',
      'POST /api/v1/payments/{id}/cancels',
    ]);
  });

  it('has examples, and each is accepted by its own schema', () => {
    const examples = examplesOf(document, '#');
    expect(examples.length).toBeGreaterThan(50);
    for (const { where, schema, value } of examples) {
      const check = checkOf(schema);
      expect(check(value), `${where}: ${JSON.stringify(check.errors)}`).toBe(true);
    }
  });

  it('has an example for every body', () => {
    for (const [name, { requestBody }] of operations) {
      if (requestBody === undefined) continue;
      const schema = requestBody.content['application/json']?.schema ?? {};
      const named =
        String(schema.$ref ?? '')
          .split('/')
          .at(-1) ?? '';
      expect(document.components.schemas[named]?.examples, name).toBeDefined();
    }
  });

  it('says of every call who may make it and what it is for', () => {
    for (const [name, operation] of operations) {
      const scheme = name.includes('/admin/') ? 'operatorToken' : 'merchantKey';
      expect(operation.security, name).toEqual([{ [scheme]: [] }]);
      expect(operation.summary, name).toBeTruthy();
      expect(Object.keys(operation.responses), name).toEqual(
        expect.arrayContaining(['401', '429', '500', '503']),
      );
    }
  });

  it('documents every refusal as a problem with the codes that it may carry', () => {
    for (const [name, operation] of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description, `${name} ${status}`).not.toBe('Default Response');
        if (Number(status) < 400) continue;
        const { schema } = response.content?.['application/problem+json'] ?? {};
        const examples = (schema?.examples ?? []) as { code: keyof typeof HTTP_ERRORS }[];
        expect(examples.length, `${name} ${status}`).toBeGreaterThan(0);
        for (const { code } of examples) expect(HTTP_ERRORS[code].status).toBe(Number(status));
      }
    }
  });
});

describe('an example that is pasted', () => {
  function bodiesOf(name: string): object[] {
    const [, operation] = operations.find(([known]) => known === name) ?? [];
    const schema = operation?.requestBody?.content['application/json']?.schema;
    const named = String(schema?.$ref).split('/').at(-1) ?? '';
    return (document.components.schemas[named]?.examples ?? []) as object[];
  }

  it('makes a payment', async () => {
    const { secretKey } = await newMerchant(api);
    for (const payload of bodiesOf('POST /api/v1/payments')) {
      const headers = { 'idempotency-key': newId() };
      const call = { method: 'POST', url: '/api/v1/payments', headers, payload } as const;
      expect((await api.call({ ...call, token: secretKey })).statusCode).toBe(202);
    }
  });

  it('registers a merchant, changes it and makes its keys', async () => {
    const token = operatorToken();
    const url = '/api/v1/admin/merchants';
    for (const payload of bodiesOf(`POST ${url}`)) {
      const { id } = (await api.call({ method: 'POST', url, token, payload })).json();
      for (const change of bodiesOf(`PATCH ${url}/{id}`)) {
        const call = { method: 'PATCH', url: `${url}/${id}`, token, payload: change } as const;
        expect((await api.call(call)).statusCode).toBe(200);
      }
      for (const key of bodiesOf(`POST ${url}/{id}/keys`)) {
        const call = { method: 'POST', url: `${url}/${id}/keys`, token, payload: key } as const;
        expect((await api.call(call)).statusCode).toBe(201);
      }
    }
  });

  it('lists payments and settlements', async () => {
    const { secretKey } = await newMerchant(api);
    for (const path of ['/api/v1/payments', '/api/v1/settlements']) {
      const query = new URLSearchParams();
      for (const { name, example } of document.paths[path]?.get?.parameters ?? []) {
        if (example !== undefined) query.set(String(name), String(example));
      }
      expect([...query.keys()]).toContain('limit');
      const url = `${path}?${query}`;
      expect((await api.call({ method: 'GET', url, token: secretKey })).statusCode).toBe(200);
    }
  });
});
