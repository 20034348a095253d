import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, type PostgresPool } from '@mini-pg/database';
import { addDays, businessDateOf } from '@mini-pg/domain';
import {
  type Log,
  type ProgramResult,
  type Service,
  type System,
  type SystemOptions,
  startSystem,
} from '@mini-pg/local-stack';
import { createProducer, type EventProducer } from '@mini-pg/messaging';
import { createLogger, createRegistry, loadProfile } from '@mini-pg/runtime';
import { type TcpProxy, waitFor } from '@mini-pg/testing';
import { send } from '../support/http.ts';
import { Merchant, TERMS } from '../support/merchant.ts';
import { mountSmallDisks, type SmallDisks } from './disk-faults.ts';
import { KILLED_SERVICES } from './failpoint-rows.ts';
import { startBrokerProxy } from './network.ts';

const DAY_MS = 86_400_000;
/** The gateway's clock begins so far back, so that there is a day to close for every row. */
const DAYS_BACK = 200;
const MERCHANTS = 2;
const GATEWAY_LATENCY_MS = 100;
const FAILPOINT_WAIT_MAX_MS = 90_000;

/**
 * The timeouts of the profile `local`, shortened where a row would wait for nothing else. What a
 * lease adds to them is the service's own and stays.
 */
const TOSS_TIMES = {
  connectTimeoutMs: 500,
  readTimeoutMs: 1_500,
  inquiryScheduleMs: [300, 500, 1_000, 2_000, 3_000, 4_000],
  lateCaptureScheduleMs: [1_000, 2_000, 4_000],
  executionTimeMaxMs: 3_000,
  // A fault of the PG is the rule here: what is measured is that retries lose nothing.
  retries: { shareOfFirstCalls: 1, perSecond: 100, burst: 5_000 },
};

/** A whole system that is at work while its parts are broken. */
export interface LivingSystem {
  readonly system: System;
  readonly merchants: readonly Merchant[];
  /** A superuser's statements on the system's database. */
  readonly admin: PostgresPool;
  readonly producer: EventProducer;
  /** In front of the broker; undefined on a broker that was given. */
  readonly brokerProxy: TcpProxy | undefined;
  /** Where servers have a small disk each, or why they have none. */
  readonly smallDisks: SmallDisks | string;
  /** Ends the gateway's day and closes it; a failpoint makes the close die on its way. */
  closeDay(failpoint?: string): Promise<ProgramResult>;
  /** Closes the day again that a close before did not end. */
  closeAgain(): Promise<ProgramResult>;
  /** Starts a service so that it dies at a failpoint; it may not live to be ready. */
  arm(
    service: Service,
    failpoint: string,
    variables?: Record<string, string>,
  ): Promise<ArmedService>;
  stop(): Promise<void>;
}

export interface ArmedService {
  /** Resolves when the service has died there, with the monotonic time. @throws after a bound */
  died(): Promise<number>;
  /** Resolves when the service has stopped itself there. @throws after a bound */
  paused(): Promise<void>;
}

/** What a living system is started with. */
export interface LivingOptions {
  /**
   * Servers that belong to it alone, so that they may be broken: a proxy stands before the broker,
   * Postgres and the broker have small disks where the machine allows it, and each service has a
   * second instance at hand.
   */
  readonly ownServers: boolean;
  /** Another repository whose builds are run. */
  readonly buildsDir?: string;
  readonly log?: Log;
  /** Told how to end what is started, before anything is. */
  readonly onStart?: (stop: () => Promise<void>) => void;
}

export async function startLivingSystem(options: LivingOptions): Promise<LivingSystem> {
  const { ownServers, buildsDir, log } = options;
  const profiles = mkdtempSync(join(tmpdir(), 'mini-pg-crash-'));
  writeProfile(profiles);
  const ends: (() => Promise<void> | void)[] = [
    () => rmSync(profiles, { recursive: true, force: true }),
  ];
  options.onStart?.(() => endAll(ends));
  try {
    const own = ownServers ? await prepareOwnServers(ends) : undefined;
    const system = await startSystem({
      isolate: !ownServers,
      ...(log && { log }),
      ...(buildsDir !== undefined && { buildsDir }),
      ...own?.options,
      env: {
        'payment-api': { PROFILES_DIR: profiles },
        'pg-processor': { PROFILES_DIR: profiles },
        'settlement-worker': { CLOSE_SCHEDULE: 'off' },
      },
    });
    ends.push(() => system.stop());
    return await livingSystemOf(system, ends, own);
  } catch (error) {
    await endAll(ends);
    throw error;
  }
}

interface OwnServers {
  readonly options: SystemOptions;
  readonly brokerProxy: TcpProxy;
  readonly smallDisks: SmallDisks | string;
}

async function prepareOwnServers(ends: (() => Promise<void> | void)[]): Promise<OwnServers> {
  const { proxy, sideDoor } = await startBrokerProxy();
  ends.push(() => proxy.stop());
  const smallDisks = mountSmallDisks();
  if (typeof smallDisks !== 'string') ends.push(() => smallDisks.remove());
  return {
    brokerProxy: proxy,
    smallDisks,
    options: {
      own: ['postgres', 'redis', 'kafka'],
      brokerSideDoor: sideDoor,
      scale: Object.fromEntries(KILLED_SERVICES.map((name) => [name, 2])),
      ...(typeof smallDisks !== 'string' && { dataDir: smallDisks.dataDir }),
    },
  };
}

async function livingSystemOf(
  system: System,
  ends: (() => Promise<void> | void)[],
  own: OwnServers | undefined,
): Promise<LivingSystem> {
  const admin = createPool({
    connectionString: adminUrlOf(system),
    applicationName: 'crash-matrix',
    connectionsMax: 4,
  });
  ends.push(() => admin.end());
  const producer = await createProducer({
    brokers: system.kafka,
    clientId: 'crash-matrix',
    logger: createLogger({ service: 'crash-matrix', level: 'fatal' }),
    registry: createRegistry('crash-matrix'),
  });
  ends.push(() => producer.stop());
  if (own) await Promise.all(KILLED_SERVICES.map((name) => system.service(name, 1).stop()));
  const days = new GatewayDays(system);
  await days.begin();
  await slowDown(system);
  return {
    system,
    admin,
    producer,
    brokerProxy: own?.brokerProxy,
    smallDisks: own?.smallDisks ?? 'the servers were given',
    merchants: await registerMerchants(system),
    closeDay: (failpoint) => days.closeNext(failpoint),
    closeAgain: () => days.closeLast(),
    arm: (service, failpoint, variables) => arm(system, service, failpoint, variables),
    stop: () => endAll(ends),
  };
}

/** The last thing first; one that fails keeps none of the others from ending. */
async function endAll(ends: (() => Promise<void> | void)[]): Promise<void> {
  for (const end of ends.splice(0).reverse()) {
    await Promise.resolve()
      .then(end)
      .catch(() => undefined);
  }
}

function writeProfile(folder: string): void {
  const profile = loadProfile('local');
  mkdirSync(folder, { recursive: true });
  const pgs = { ...profile.pgs, toss: { ...profile.pgs.toss, ...TOSS_TIMES } };
  writeFileSync(join(folder, 'local.json'), JSON.stringify({ ...profile, pgs }));
}

function adminUrlOf({ stack, isolation }: System): string {
  const url = new URL(stack.postgresUrl);
  url.pathname = `/${isolation.database}`;
  return url.href;
}

function registerMerchants(system: System): Promise<Merchant[]> {
  const from = addDays(businessDateOf(new Date()), -2 * DAYS_BACK);
  const merchants = Array.from({ length: MERCHANTS }, () =>
    Merchant.register(system, { ...TERMS, from }),
  );
  return Promise.all(merchants);
}

/** The gateway takes its time for what its windows do not say otherwise: inquiries and cancels. */
async function slowDown({ simulator }: System): Promise<void> {
  const body = { seed: 1, latencyMs: GATEWAY_LATENCY_MS, scenarios: { approve: 1 } };
  const { status, text } = await send(`${simulator}/_sim/mix`, { method: 'PUT', body });
  if (status !== 200) throw new Error(`The simulator's mix: ${status} ${text}`);
}

/** The business days of the gateway, whose clock says when a payment was approved. */
class GatewayDays {
  readonly #system: System;
  #daysBack = DAYS_BACK;
  #last = '';
  /** One close at a time: the next one's day begins with the end of this one's. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(system: System) {
    this.#system = system;
  }

  async begin(): Promise<void> {
    await this.#setClock();
  }

  closeNext(failpoint?: string): Promise<ProgramResult> {
    const turn = this.#turn.then(async () => {
      if (this.#daysBack === 0) throw new Error('There is no day left to close.');
      this.#last = businessDateOf(new Date(Date.now() - this.#daysBack * DAY_MS));
      this.#daysBack -= 1;
      await this.#setClock();
      return this.#close(failpoint);
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  closeLast(): Promise<ProgramResult> {
    return this.#close();
  }

  #close(failpoint?: string): Promise<ProgramResult> {
    const variables = failpoint === undefined ? {} : { FAILPOINT: failpoint };
    return this.#system.run('settlement-worker', 'close', ['--date', this.#last], variables);
  }

  async #setClock(): Promise<void> {
    const body = { offsetMs: -this.#daysBack * DAY_MS };
    const { status, text } = await send(`${this.#system.simulator}/_sim/clock`, {
      method: 'POST',
      body,
    });
    if (status !== 200) throw new Error(`The simulator's clock: ${status} ${text}`);
  }
}

async function arm(
  system: System,
  service: Service,
  failpoint: string,
  variables: Record<string, string> = {},
): Promise<ArmedService> {
  await service.stop();
  const log = join(system.dataDir, 'logs', `${service.name}.log`);
  const before = statSync(log).size;
  service.setEnvironment({ ...variables, FAILPOINT: failpoint });
  let startError: unknown;
  service.start().catch((error) => {
    startError = error;
  });
  const [name = ''] = failpoint.split(':');
  const said = (): boolean => readFileSync(log).subarray(before).includes(`failpoint ${name}: hit`);
  const disarm = (): void => {
    const none = Object.keys(variables).map((variable) => [variable, undefined]);
    service.setEnvironment({ ...Object.fromEntries(none), FAILPOINT: undefined });
  };
  const reached = async (what: string, check: () => boolean): Promise<void> => {
    try {
      await waitFor(check, {
        what: `${service.name} to ${what} at ${failpoint}`,
        timeoutMs: FAILPOINT_WAIT_MAX_MS,
      });
    } catch (error) {
      throw startError === undefined ? error : startError;
    } finally {
      disarm();
    }
  };
  return {
    paused: () => reached('stop', said),
    async died() {
      await reached('die', () => service.pid === undefined && said());
      return performance.now();
    },
  };
}
