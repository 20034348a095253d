import { code, table } from './markdown.ts';
import type { OpenApi } from './service-references.ts';

/** The generated part of `docs/reference/http.md`: every call of the gateway, in short. */
export function httpCalls({ paths }: OpenApi): string {
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary, description, parameters }]) => {
      const query = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
      const target = query.length === 0 ? path : `${path}?${query.join('&')}`;
      const meaning = description === undefined ? summary : `${summary}. ${description}`;
      return [code(`${method.toUpperCase()} ${target}`), meaning];
    }),
  );
  return table(['Call', ''], rows);
}
