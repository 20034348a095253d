import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asyncApiYaml } from './asyncapi.ts';
import { errorsPage } from './errors-page.ts';
import { statesPage } from './states-page.ts';

/** The documents that are made from the code, by their paths in the repository. */
export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'docs/reference/asyncapi.yaml': asyncApiYaml,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/states.md': statesPage,
};

/** Those whose file in `rootDir` is missing or not what the code says. */
export function staleDocuments(rootDir: string): string[] {
  return Object.entries(DOCUMENTS)
    .filter(([path, text]) => textOf(join(rootDir, path)) !== text())
    .map(([path]) => path);
}

/** Writes the stale ones anew and returns their paths. */
export function writeDocuments(rootDir: string): string[] {
  const stale = staleDocuments(rootDir);
  for (const path of stale) {
    const file = join(rootDir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, DOCUMENTS[path]?.() ?? '');
  }
  return stale;
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
