import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { loadProfile, profileSchema } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { readFiles } from './files.ts';

const PAGE = readFileSync(join(REPOSITORY_DIR, 'docs/reference/configuration.md'), 'utf8');

/** A variable in a schema of an environment: `NAME: z.string()`. */
const VARIABLE = /^\s+([A-Z][A-Z0-9_]+): /gm;

describe('the page about configuration', () => {
  it('names every variable of every service', () => {
    const schemas = [
      ...readFiles(join(REPOSITORY_DIR, 'apps'), ['/src/config.ts']),
      ...readFiles(join(REPOSITORY_DIR, 'packages/runtime'), ['src/config.ts']),
    ];
    const names = schemas.flatMap(({ text }) =>
      [...text.matchAll(VARIABLE)].map(([, name]) => name),
    );
    expect(names).toEqual(expect.arrayContaining(['DATABASE_URL', 'REDIS_URL', 'CLOSE_SCHEDULE']));
    for (const name of names) expect(PAGE).toContain(`\`${name}\``);
  });

  it('names every secret and every field of the profiles', () => {
    for (const { secretEnv } of loadProfile('local').accounts) expect(PAGE).toContain(secretEnv);
    const { limits, pgs } = profileSchema.shape;
    const fields = [...Object.keys(limits.shape), ...Object.keys(pgs.valueType.shape)];
    expect(fields.length).toBeGreaterThan(10);
    for (const field of fields) expect(PAGE).toMatch(new RegExp(`\\b${field}\``));
  });
});
