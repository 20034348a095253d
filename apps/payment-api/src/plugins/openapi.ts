import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { HttpErrorCode } from '@mini-pg/runtime';
import type { FastifyInstance, FastifySchema } from 'fastify';
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
} from 'fastify-type-provider-zod';
import { problemResponses } from '../http/problems.ts';
import { tidy } from './openapi-document.ts';

const OPENAPI_PATH = '/openapi.json';
const DOCS_PATH = '/docs';
const API = '/api/v1/';
const ADMIN = '/api/v1/admin/';

/** What every call of the API may answer besides what its route names. */
const COMMON_PROBLEMS = [
  'UNAUTHORIZED',
  'RATE_LIMITED',
  'INTERNAL',
  'OVERLOADED',
] as const satisfies readonly HttpErrorCode[];

const INFO = {
  title: 'Mini PG',
  version: '1.0.0',
  description:
    'Payments and settlements for merchants. Amounts are integers in the minor unit of their ' +
    'currency: 1000 KRW are 1,000 won. Every refusal is a problem (RFC 9457) with a stable `code`. ' +
    'A path that does not take a method answers 405 with `Allow`.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

const SECURITY_SCHEMES = {
  merchantKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'A secret key, `sk_live_…` or `sk_test_…`.',
  },
  operatorToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The signed token of an operator.',
  },
} as const;

/** The OpenAPI 3.1 document, made from the schemas that check the requests, and Swagger UI. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  const transform = createJsonSchemaTransform({});
  const transformObject = createJsonSchemaTransformObject({});
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: INFO,
      servers: [{ url: '/', description: 'This service.' }],
      components: { securitySchemes: SECURITY_SCHEMES },
      tags: [
        { name: 'payments', description: 'Taking and reading payments.' },
        { name: 'settlements', description: 'What is paid out, and for what.' },
        { name: 'merchants', description: 'For operators.' },
      ],
    },
    transform: (route) => transform({ ...route, schema: withCommon(route.schema, route.url) }),
    transformObject: (document) => tidy(transformObject(document)),
  });
  await app.register(swaggerUi, {
    routePrefix: DOCS_PATH,
    uiConfig: { url: OPENAPI_PATH, displayRequestDuration: true },
    staticCSP: true,
    transformStaticCSP: withoutForeign,
  });
  let document: string | undefined;
  app.get(OPENAPI_PATH, { schema: { hide: true } as FastifySchema }, async (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}

/** Adds what follows from a route's path: who may call it, and the refusals of every call. */
function withCommon(schema: FastifySchema | undefined, url: string): FastifySchema {
  if (schema === undefined || !url.startsWith(API))
    return { ...schema, hide: true } as FastifySchema;
  const scheme = url.startsWith(ADMIN) ? 'operatorToken' : 'merchantKey';
  return {
    ...schema,
    security: [{ [scheme]: [] }],
    response: { ...problemResponses(...COMMON_PROBLEMS), ...(schema.response as object) },
  };
}

/** The page loads its own files only, over plain HTTP too where there is no TLS. */
function withoutForeign(policy: string): string {
  return policy
    .replace(' upgrade-insecure-requests;', '')
    .replaceAll(' https:', '')
    .replace(' validator.swagger.io', '');
}
