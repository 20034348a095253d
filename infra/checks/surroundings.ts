import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { parse } from 'yaml';
import { z } from 'zod';
import { workspacePackages } from '../lib/workspace.ts';
import type { Surroundings } from './links.ts';

const COMPOSE = 'docker-compose.yml';
const COMMANDS = 'infra/commands';

/** Commands that hand their arguments to a program of ours, where their options are read. */
const HANDED_TO: Readonly<Record<string, string>> = {
  close: 'apps/settlement-worker/src/close/close-command.ts',
  simulate: 'apps/pg-processor/test/simulation/command.ts',
  idempotency: 'packages/testing/src/idempotency/command.ts',
};

const manifestSchema = z.object({ scripts: z.record(z.string(), z.string()) });
const composeSchema = z.looseObject({
  services: z.record(z.string(), z.looseObject({ profiles: z.array(z.string()).default([]) })),
});

/** What the Markdown of this repository may speak of. */
export function repositorySurroundings(): Surroundings {
  const { scripts } = manifestSchema.parse(JSON.parse(read('package.json')));
  const compose = readCompose();
  return {
    exists: (path) => existsSync(join(REPOSITORY_DIR, path)),
    scripts,
    packageScripts: Object.fromEntries(
      workspacePackages().map((one) => [one.name, Object.keys(one.scripts)]),
    ),
    commands: Object.fromEntries(
      readdirSync(join(REPOSITORY_DIR, COMMANDS)).map((file) => {
        const name = file.replace(/\.ts$/, '');
        return [name, optionsOf(name, file)];
      }),
    ),
    ...(compose && { compose }),
  };
}

/** The options that a command's source speaks of: in its usage, its first comment or its code. */
function optionsOf(name: string, file: string): string[] {
  const handedTo = HANDED_TO[name];
  const text = read(join(COMMANDS, file)) + (handedTo === undefined ? '' : read(handedTo));
  return [...new Set(text.match(/(?<![\w-])--[a-z][\w-]*/g) ?? [])];
}

function readCompose(): Surroundings['compose'] {
  if (!existsSync(join(REPOSITORY_DIR, COMPOSE))) return undefined;
  const { services } = composeSchema.parse(parse(read(COMPOSE), { merge: true }));
  const profiles = Object.values(services).flatMap((service) => service.profiles);
  return { services: Object.keys(services), profiles: [...new Set(profiles)] };
}

function read(path: string): string {
  return readFileSync(join(REPOSITORY_DIR, path), 'utf8');
}
