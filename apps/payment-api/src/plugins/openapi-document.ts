import { STATUS_CODES } from 'node:http';

type Json = Record<string, unknown>;

interface Operation {
  readonly responses?: Record<string, Json>;
}

const SCHEMAS = '#/components/schemas/';
const DESCRIPTION_DEFAULT = 'Default Response';
/** Formats whose patterns say the same again, at length. */
const FORMATS: readonly unknown[] = ['uuid', 'date', 'date-time', 'uri', 'email'];

const RETRY_AFTER = {
  'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait.' },
};

/** Headers that come with an answer of a status; the schemas of routes do not state headers. */
const HEADERS_OF_STATUS: Readonly<Record<string, Json>> = {
  401: {
    'WWW-Authenticate': { schema: { type: 'string' }, description: 'The challenge of RFC 6750.' },
  },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

/**
 * Makes the generated document one to read: only the schemas that are referred to (every schema of
 * the process is registered, those of events too, each as a request and as an answer), no patterns
 * beside formats, and what a status tells by itself.
 */
export function tidy(document: object): Json {
  const used = withoutUnused(document);
  const tidied = withoutNoise(used) as Json;
  const paths = (tidied.paths ?? {}) as Record<string, Record<string, Operation>>;
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      if (response.description === DESCRIPTION_DEFAULT) {
        response.description = `${STATUS_CODES[status]}.`;
      }
      if (HEADERS_OF_STATUS[status]) response.headers = HEADERS_OF_STATUS[status];
    }
  }
  return tidied;
}

function withoutUnused(document: object): Json {
  const { components, ...rest } = document as { components?: { schemas?: Json } };
  const schemas = components?.schemas ?? {};
  const used = new Set<string>();
  const waiting = referencesOf(rest);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (used.has(name)) continue;
    used.add(name);
    waiting.push(...referencesOf(schemas[name]));
  }
  const kept = Object.entries(schemas).filter(([name]) => used.has(name));
  return { ...rest, components: { ...components, schemas: Object.fromEntries(kept) } };
}

/** The names of the schemas that a part of a document refers to. */
function referencesOf(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(referencesOf);
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(SCHEMAS)
      ? [value.slice(SCHEMAS.length)]
      : referencesOf(value),
  );
}

function withoutNoise(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutNoise);
  if (typeof part !== 'object' || part === null) return part;
  const { format, minimum, maximum } = part as Json;
  const entries = Object.entries(part).filter(([key]) => {
    if (key === 'pattern') return !FORMATS.includes(format);
    // The bounds of every JSON integer.
    if (key === 'minimum') return minimum !== Number.MIN_SAFE_INTEGER;
    if (key === 'maximum') return maximum !== Number.MAX_SAFE_INTEGER;
    return true;
  });
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutNoise(value)]));
}
