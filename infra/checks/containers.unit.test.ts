import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BROKER_JAVA_FLAGS,
  BROKER_SETTINGS,
  brokerVariable,
  NODE_FLAGS,
  POSTGRES_SETTINGS,
  REPOSITORY_DIR,
  SERVER_IMAGES,
  SERVICE_NAMES,
} from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const condition = z.object({ condition: z.string() });

/** The parts of a compose file that the rules are about. */
const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      build: z.object({ target: z.string() }).optional(),
      profiles: z.array(z.string()),
      restart: z.string().optional(),
      healthcheck: z.object({ test: z.array(z.string()) }).optional(),
      read_only: z.boolean().default(false),
      cap_drop: z.array(z.string()).default([]),
      security_opt: z.array(z.string()).default([]),
      ports: z.array(z.string()).default([]),
      command: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.coerce.string()).default({}),
      depends_on: z.record(z.string(), condition).default({}),
    }),
  ),
});

const read = (path: string): string => readFileSync(join(REPOSITORY_DIR, path), 'utf8');

const { services } = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
const all = Object.entries(services);
const ours = all.filter(([, { build }]) => build !== undefined);
const jobs = ours.filter(([, { restart }]) => restart === undefined).map(([name]) => name);
const dockerfile = read('infra/images/Dockerfile');

describe('the compose file', () => {
  it('has every service, with one migration before each that has a schema', () => {
    for (const name of SERVICE_NAMES) expect(services).toHaveProperty(name);
    expect(jobs.sort()).toEqual([
      'payment-api-migrate',
      'pg-processor-migrate',
      'provision',
      'settlement-worker-migrate',
      'setup',
    ]);
    for (const name of ['payment-api', 'pg-processor', 'settlement-worker']) {
      expect(services[name]?.depends_on[`${name}-migrate`], name).toEqual({
        condition: 'service_completed_successfully',
      });
    }
  });

  it('checks the health of everything that stays up', () => {
    for (const [name, { healthcheck, build }] of all) {
      if (jobs.includes(name)) continue;
      expect(healthcheck !== undefined || build !== undefined, name).toBe(true);
    }
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\\\n {2}CMD \["node", /m);
  });

  it('lets our containers write nowhere and gain nothing', () => {
    for (const [name, service] of ours) {
      expect(service.read_only, name).toBe(true);
      expect(service.cap_drop, name).toEqual(['ALL']);
      expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
    }
  });

  it('has the servers alone in the profile `infra`, and all that stays up in `all`', () => {
    const infra = all.filter(([, { profiles }]) => profiles.includes('infra'));
    expect(infra.map(([name]) => name).sort()).toEqual(['kafka', 'postgres', 'redis']);
    const outside = all.filter(([, { profiles }]) => !profiles.includes('all'));
    expect(outside.map(([name]) => name)).toEqual(['setup']);
    expect(read('.env')).toContain('COMPOSE_PROFILES=all\n');
  });

  it('names every image by a version', () => {
    for (const [name, { image }] of all) expect(image, name).toMatch(/:(?!latest)[^:]+$/);
  });

  it('publishes ports by variables that .env has', () => {
    for (const [name, { ports }] of all) {
      for (const port of ports) {
        const variable = /^\$\{PUBLISHED_HOST\}:\$\{(\w+)\}:\d+$/.exec(port)?.[1];
        expect(variable, name).toBeDefined();
        expect(read('.env')).toMatch(new RegExp(`^${variable}=\\d`, 'm'));
      }
    }
  });
});

/** Inside the network of compose the broker has other names, addresses and folders. */
const PLACES_OF_THE_BROKER = [
  'inter.broker.listener.name',
  'listener.security.protocol.map',
  'controller.quorum.voters',
  'listeners',
  'advertised.listeners',
  'log.dirs',
].map(brokerVariable);

describe('the servers of the compose file', () => {
  it('are the images that tests run on', () => {
    for (const [name, image] of Object.entries(SERVER_IMAGES)) {
      expect(services[name]?.image).toBe(image);
    }
  });

  it('have the settings of the other broker, no more and no less', () => {
    const isPlace = ([name]: [string, unknown]): boolean => PLACES_OF_THE_BROKER.includes(name);
    const composed = Object.entries(services.kafka?.environment ?? {});
    expect(composed.filter(isPlace)).toHaveLength(PLACES_OF_THE_BROKER.length);
    const settings = Object.entries(BROKER_SETTINGS).map(([name, value]): [string, string] => [
      brokerVariable(name),
      String(value),
    ]);
    expect(Object.fromEntries(composed.filter((entry) => !isPlace(entry)))).toEqual({
      ...Object.fromEntries(settings.filter((entry) => !isPlace(entry))),
      KAFKA_HEAP_OPTS: BROKER_JAVA_FLAGS.join(' '),
    });
  });

  it('have the settings of the other Postgres', () => {
    const settings = Object.entries(POSTGRES_SETTINGS);
    expect(services.postgres?.command).toEqual([
      'postgres',
      ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
  });
});

describe('the images', () => {
  it('exist for every target that is built', () => {
    for (const [name, { build }] of ours) {
      expect(dockerfile, name).toContain(`FROM runtime AS ${build?.target}\n`);
    }
  });

  it('end as an unprivileged user, with Node and no shell as their first process', () => {
    const stages = dockerfile.split(/^FROM /m).filter((text) => /^runtime AS/.test(text));
    // Beside the services: the auditor, and the jobs of a system on one machine.
    expect(stages).toHaveLength(SERVICE_NAMES.length + 2);
    expect(dockerfile).toContain('ENTRYPOINT ["node", "--enable-source-maps", "--expose-gc"]');
    for (const stage of stages) {
      const users = [...stage.matchAll(/^USER (\w+)$/gm)].map(([, user]) => user);
      expect(users.at(-1) ?? 'node').toBe('node');
      expect(stage).not.toMatch(/^(ENTRYPOINT|CMD [^[])/m);
    }
  });

  it.each(SERVICE_NAMES)('%s is started with the flags that it has on a local stack', (name) => {
    const stage = dockerfile.split(/^FROM /m).find((text) => text.startsWith(`runtime AS ${name}`));
    const [, entry = ''] = /^ENTRYPOINT \["node", (.*)\]$/m.exec(dockerfile) ?? [];
    const [, own = ''] = /^ENV NODE_OPTIONS="(.*)"$/m.exec(stage ?? '') ?? [];
    const flags = [...entry.split(', ').map((flag) => JSON.parse(flag)), ...own.split(' ')];
    expect(flags.filter(Boolean)).toEqual(NODE_FLAGS[name]);
  });

  it('are built with the pnpm of the repository', () => {
    const { packageManager } = JSON.parse(read('package.json'));
    expect(dockerfile).toContain(`npm install --global ${packageManager}`);
  });
});
