import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { z } from 'zod';

/** The services in the order of the documents. */
export const SERVICES = [
  'payment-api',
  'pg-processor',
  'settlement-worker',
  'pg-simulator',
] as const;
export type Service = (typeof SERVICES)[number];

const TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 4_194_304;

const variableSchema = z.looseObject({
  description: z.string(),
  default: z.union([z.string(), z.number()]).optional(),
  enum: z.array(z.string()).optional(),
});
export type Variable = z.infer<typeof variableSchema>;

const operationSchema = z.looseObject({
  summary: z.string(),
  description: z.string().optional(),
  parameters: z.array(z.looseObject({ in: z.string(), name: z.string() })).default([]),
});

const openApiSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});
export type OpenApi = z.infer<typeof openApiSchema>;

const referenceSchema = z.object({
  /** The environment, by a JSON Schema. A variable without a description is an error. */
  environment: z.object({
    properties: z.record(z.string(), variableSchema),
    required: z.array(z.string()).default([]),
  }),
  openapi: openApiSchema.optional(),
});
export type ServiceReference = z.infer<typeof referenceSchema>;

let references: Promise<ReadonlyMap<Service, ServiceReference>> | undefined;

/**
 * What each service says of itself. Apps are never imported, so each is asked by its program
 * `src/reference.ts`, once for all documents.
 */
export function serviceReferences(): Promise<ReadonlyMap<Service, ServiceReference>> {
  references ??= Promise.all(
    SERVICES.map(async (service) => [service, await ask(service)] as const),
  ).then((entries) => new Map(entries));
  return references;
}

export async function openApiDocument(): Promise<OpenApi> {
  const document = (await serviceReferences()).get('payment-api')?.openapi;
  if (!document) throw new Error('payment-api has no OpenAPI document');
  return document;
}

async function ask(service: Service): Promise<ServiceReference> {
  const program = join(REPOSITORY_DIR, 'apps', service, 'src', 'reference.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=source', program], {
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
    env: {},
  });
  return referenceSchema.parse(JSON.parse(stdout));
}
