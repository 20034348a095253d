import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asyncApiYaml } from './asyncapi.ts';
import { configurationTables } from './configuration-tables.ts';
import { errorsPage } from './errors-page.ts';
import { httpCalls } from './http-calls.ts';
import { fillSections } from './sections.ts';
import { openApiDocument, serviceReferences } from './service-references.ts';
import { statesPage } from './states-page.ts';

/**
 * The documents that are made from the code, by their paths in the repository. A page that is
 * written by hand in part is given as it stands.
 */
export const DOCUMENTS: Readonly<Record<string, (page: string) => string | Promise<string>>> = {
  'docs/reference/asyncapi.yaml': asyncApiYaml,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/states.md': statesPage,
  'docs/reference/openapi.json': async () =>
    `${JSON.stringify(await openApiDocument(), null, 2)}\n`,
  'docs/reference/configuration.md': async (page) =>
    fillSections(page, configurationTables(await serviceReferences())),
  'docs/reference/http.md': async (page) =>
    fillSections(page, { calls: httpCalls(await openApiDocument()) }),
};

/** Those whose file in `rootDir` is missing or not what the code says. */
export async function staleDocuments(rootDir: string): Promise<string[]> {
  return Object.keys(await changedDocuments(rootDir));
}

/** Writes the stale ones anew and returns their paths. */
export async function writeDocuments(rootDir: string): Promise<string[]> {
  const changed = await changedDocuments(rootDir);
  for (const [path, text] of Object.entries(changed)) {
    const file = join(rootDir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return Object.keys(changed);
}

/** What the stale ones have to be. */
async function changedDocuments(rootDir: string): Promise<Record<string, string>> {
  const changed: Record<string, string> = {};
  for (const [path, make] of Object.entries(DOCUMENTS)) {
    const file = join(rootDir, path);
    const page = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const text = await make(page);
    if (text !== page) changed[path] = text;
  }
  return changed;
}
