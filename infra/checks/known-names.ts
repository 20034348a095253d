import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TOPICS } from '@mini-pg/domain';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { z } from 'zod';
import { readFiles } from './files.ts';
import type { KnownNames } from './names.ts';

const CONFIGURATION = 'docs/reference/configuration.md';
const OPENAPI = 'docs/reference/openapi.json';
const ADMIN = '/api/v1/admin';

const openApiSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/**
 * The names of this repository. Variables and the gateway's calls are read from the reference, which
 * is held to the code by a test of its own; the rest from the sources themselves.
 */
export function knownNames(): KnownNames {
  const sources = ['apps', 'packages', 'infra'].flatMap((folder) =>
    readFiles(join(REPOSITORY_DIR, folder), ['.ts', '.mjs', '.json']).filter(
      ({ path }) => !/\.test\.ts$|^checks\//.test(path),
    ),
  );
  const examples = readFiles(join(REPOSITORY_DIR, 'docs'), ['.mjs']);
  const containers = ['docker-compose.yml', '.env'].map((path) =>
    readFileSync(join(REPOSITORY_DIR, path), 'utf8'),
  );
  const code = [...sources.map(({ text }) => text), ...containers];
  return {
    words: new Set(code.flatMap((text) => text.match(/\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b/g) ?? [])),
    variables: new Set([
      ...variablesIn(readFileSync(join(REPOSITORY_DIR, CONFIGURATION), 'utf8')),
      ...examples.flatMap(({ text }) => variablesRead(text)),
    ]),
    testFiles: new Set(readFiles(REPOSITORY_DIR, ['.test.ts']).map(({ path }) => basename(path))),
    topics: new Set(Object.keys(TOPICS)),
    calls: [...gatewayCalls(), ...adminCalls()],
  };
}

/** The names in the tables of the page, and those that its prose explains. */
function variablesIn(page: string): string[] {
  return [...page.matchAll(/`([A-Z][A-Z0-9_]*)`/g)].map(([, name = '']) => name);
}

function variablesRead(program: string): string[] {
  return [...program.matchAll(/process\.env\.([A-Z][A-Z0-9_]*)/g)].map(([, name = '']) => name);
}

function gatewayCalls(): string[] {
  const document = JSON.parse(readFileSync(join(REPOSITORY_DIR, OPENAPI), 'utf8'));
  return Object.entries(openApiSchema.parse(document).paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

/** The operators' routes of the services that have no OpenAPI document. */
function adminCalls(): string[] {
  const apps = ['pg-processor', 'settlement-worker'].flatMap((app) =>
    readFiles(join(REPOSITORY_DIR, 'apps', app, 'src'), ['.ts']),
  );
  const routes = apps.flatMap(({ text }) => [
    ...text.matchAll(/\bapp\.(get|post|put|patch|delete)(?:<[^(]*>)?\(\s*'(\/[^']+)'/g),
  ]);
  return routes.map(([, method = '', path = '']) => {
    const whole = path.startsWith(ADMIN) ? path : `${ADMIN}${path}`;
    return `${method.toUpperCase()} ${whole.replaceAll(/:(\w+)/g, '{$1}')}`;
  });
}
