import { z } from 'zod';
import { expectationsSchema } from './expectations.ts';
import { type Json, type JsonObject, mapStrings, parseJson } from './json.ts';

/** What somebody gave is no plan; the message says why. */
export class PlanError extends Error {}

const jsonSchema: z.ZodType<Json> = z.json();
const objectSchema: z.ZodType<JsonObject> = z.record(z.string(), jsonSchema);
const headersSchema = z.record(z.string(), z.string()).default({});
const pathSchema = z.string().regex(/^\//, 'must begin with /');
const pointerSchema = z.string().regex(/^(?:\/.*)?$/s, 'must be a JSON pointer');
const valuesSchema = z.record(z.string().regex(/^[A-Za-z]\w*$/), z.string()).default({});

const requestSchema = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  path: pathSchema,
  headers: headersSchema,
  body: objectSchema.default({}),
});

/** Something that the caller makes happen: a program with its arguments, or a call. */
const hookSchema = z.union([
  z.strictObject({ command: z.array(z.string()).min(1) }),
  z.strictObject({ url: z.url(), method: z.string().default('POST') }),
]);

/** What the suite is told about an API: one request that must not happen twice, and its world. */
export const planSchema = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }),
  otherInstance: z.url({ protocol: /^https?$/ }).optional(),
  header: z.string().default('Idempotency-Key'),
  values: valuesSchema,
  prepare: z
    .array(
      z.strictObject({
        url: z.string(),
        method: z.string().default('POST'),
        headers: headersSchema,
        body: objectSchema.default({}),
        take: z.record(z.string().regex(/^[A-Za-z]\w*$/), pointerSchema).default({}),
      }),
    )
    .default([]),
  request: requestSchema,
  otherBody: objectSchema,
  refusedBody: objectSchema.optional(),
  slow: z.strictObject({ headers: headersSchema, values: valuesSchema }).optional(),
  otherTenant: z.strictObject({ headers: headersSchema }).optional(),
  otherRoute: requestSchema.optional(),
  effects: z
    .strictObject({
      id: pointerSchema.optional(),
      read: z
        .strictObject({ path: pathSchema, headers: headersSchema, pointer: pointerSchema })
        .optional(),
    })
    .refine(({ id, read }) => id !== undefined || read !== undefined, 'must have id or read'),
  malformedKeys: z.record(z.string(), z.string()).default({
    'an open quote': '"0123456789abcdef',
    'empty quotes': '""',
    'not ASCII': 'clé-0123456789ab',
    '1,000 characters': 'k'.repeat(1_000),
  }),
  hooks: z
    .strictObject({
      loseCache: hookSchema.optional(),
      restoreCache: hookSchema.optional(),
      expireCache: hookSchema.optional(),
    })
    .default({}),
  expect: expectationsSchema.default(expectationsSchema.parse({})),
  leaveOut: z.record(z.string(), z.string().min(1)).default({}),
});

export type Plan = z.output<typeof planSchema>;
export type PlanInput = z.input<typeof planSchema>;
export type RequestPlan = z.output<typeof requestSchema>;
export type HookPlan = z.output<typeof hookSchema>;

export interface PlanOverrides {
  readonly baseUrl?: string | undefined;
  readonly otherInstance?: string | undefined;
}

/**
 * Reads a plan as it stands in a file.
 *
 * @param environment where `{{env:NAME}}` is looked up, so that no secret stands in the file
 * @throws PlanError
 */
export function readPlan(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  overrides: PlanOverrides = {},
): Plan {
  const document = parseJson(text);
  if (document === undefined) throw new PlanError('it is not JSON');
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const filled = mapStrings(document, (value) => fillFromEnvironment(value, environment));
  const isObject = typeof filled === 'object' && filled !== null && !Array.isArray(filled);
  const parsed = planSchema.safeParse(
    isObject ? { ...filled, ...Object.fromEntries(given) } : filled,
  );
  if (!parsed.success) throw new PlanError(z.prettifyError(parsed.error));
  checkPlaceholders(parsed.data);
  return parsed.data;
}

function fillFromEnvironment(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return text.replaceAll(/\{\{env:(\w+)\}\}/g, (_, name: string) => {
    const value = environment[name];
    if (value !== undefined) return value;
    throw new PlanError(`{{env:${name}}}: the environment has no ${name}`);
  });
}

/** What a case fills in by itself: a text of its own, and the id in the first answer. */
const OWN_VALUES = ['unique', 'id'];

function checkPlaceholders(plan: Plan): void {
  const known = new Set([
    ...OWN_VALUES,
    ...Object.keys(plan.values),
    ...plan.prepare.flatMap(({ take }) => Object.keys(take)),
  ]);
  const { hooks: _, malformedKeys: __, ...rest } = plan;
  mapStrings(JSON.parse(JSON.stringify(rest)), (text) => {
    for (const name of placeholdersOf(text)) {
      if (!known.has(name)) {
        throw new PlanError(`{{${name}}}: there are ${[...known].sort().join(', ')}`);
      }
    }
    return text;
  });
}

function placeholdersOf(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
}

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

/** The same with every `{{name}}` replaced; one without a value stays as it is. */
export function filledIn<T extends Json>(value: T, values: Readonly<Record<string, string>>): T {
  return mapStrings(value, (text) =>
    text.replaceAll(PLACEHOLDER, (whole, name: string) => values[name] ?? whole),
  );
}
