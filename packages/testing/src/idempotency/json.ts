/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

/** What a text says, or undefined when it is no JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The value that an RFC 6901 pointer leads to; undefined where it leads nowhere. */
export function valueAt(document: Json | undefined, pointer: string): Json | undefined {
  let value = document;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    value = Array.isArray(value) ? value[Number(name)] : value[name];
  }
  return value;
}

/** A document with a merge patch of RFC 7396 applied. */
export function merged(document: JsonObject, patch: JsonObject): JsonObject {
  const result = { ...document };
  for (const [name, value] of Object.entries(patch)) {
    const before = result[name];
    if (value === null) delete result[name];
    else result[name] = isObject(value) ? merged(isObject(before) ? before : {}, value) : value;
  }
  return result;
}

/** The same value with the members of every object in the opposite order. */
export function reordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(reordered);
  if (!isObject(value)) return value;
  const members = Object.entries(value).reverse();
  return Object.fromEntries(members.map(([name, member]) => [name, reordered(member)]));
}

/** Every string in a value, changed. */
export function mapStrings<T extends Json>(value: T, change: (text: string) => string): T;
export function mapStrings(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (!isObject(value)) return value;
  const members = Object.entries(value);
  return Object.fromEntries(members.map(([name, member]) => [name, mapStrings(member, change)]));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text that is the same for the same value, whatever the order of members. */
export function canonical(value: Json): string {
  return JSON.stringify(value, (_, member: Json) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** The value without the members that pointers lead to. */
export function without(value: Json, pointers: readonly string[]): Json {
  const copy = structuredClone(value);
  for (const pointer of pointers) {
    const end = pointer.lastIndexOf('/');
    const parent = valueAt(copy, pointer.slice(0, end));
    if (isObject(parent)) delete parent[pointer.slice(end + 1)];
  }
  return copy;
}
