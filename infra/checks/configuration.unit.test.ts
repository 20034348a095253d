import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { APP_ENVS, loadProfile } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';

const PAGE = readFileSync(join(REPOSITORY_DIR, 'docs/reference/configuration.md'), 'utf8');

describe('the page about configuration', () => {
  it.each(APP_ENVS)('names every secret of the profile %s', (env) => {
    const secrets = loadProfile(env).accounts.map(({ secretEnv }) => secretEnv);
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(PAGE).toContain(`\`${secret}\``);
  });

  it.each(APP_ENVS)('names the profile %s', (env) => {
    expect(PAGE).toContain(`| \`${env}\` |`);
  });
});
