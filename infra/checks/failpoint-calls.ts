import type { SourceFile } from './import-direction.ts';

const CALL = /\bfailpoint\(\s*'([^']+)'/g;

/** A call whose name ends with the place of a close, and the places themselves. */
const CLOSE_CALL = /\bfailpoint\(\s*`([^`$]+)\$\{point\}`/g;
const CLOSE_PLACE = /\breach\('([^']+)'\)/g;

/** The name of each call of a failpoint in the sources of services and packages, once a call. */
export function failpointCalls(files: readonly SourceFile[]): string[] {
  const sources = files.filter(
    ({ path }) => /^(apps|packages)\/[^/]+\/src\//.test(path) && !path.endsWith('.test.ts'),
  );
  const namesBy = (pattern: RegExp): string[] =>
    sources.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name = '']) => name));
  const places = namesBy(CLOSE_PLACE);
  return [
    ...namesBy(CALL),
    ...namesBy(CLOSE_CALL).flatMap((prefix) => places.map((place) => `${prefix}${place}`)),
  ];
}
