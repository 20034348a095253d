import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { createClient } from '@mini-pg/database';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';

/** A line of the table under each report. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

const GIBIBYTE = 2 ** 30;
const KAFKA_JAR = /^kafka_[\d.]+-(.+)\.jar$/;

/** The machine, and what runs without any server. */
export function describeMachine(): Fact[] {
  const cores = cpus();
  return [
    { name: 'Processor', value: `${cores.length} cores, ${cores[0]?.model.trim() ?? 'unknown'}` },
    { name: 'Memory', value: `${(totalmem() / GIBIBYTE).toFixed(1)} GiB` },
    { name: 'Kernel', value: `${type()} ${release()}` },
    { name: 'Node', value: process.version },
    { name: 'Commit', value: describeCommit() },
  ];
}

/** The servers that a bench ran on. */
export async function describeServers(postgresUrl: string, kafkaLibs: string): Promise<Fact[]> {
  const session = createClient({ connectionString: postgresUrl, applicationName: 'bench' });
  await session.connect();
  const { rows } = await session.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  );
  await session.end();
  const redis = /v=(\S+)/.exec(outputOf('redis-server', ['--version']))?.[1];
  const jars = existsSync(kafkaLibs) ? readdirSync(kafkaLibs) : [];
  const kafka = jars.map((name) => KAFKA_JAR.exec(name)?.[1]).find(Boolean);
  return [
    { name: 'PostgreSQL', value: rows[0]?.version ?? 'unknown' },
    { name: 'Redis', value: redis ?? 'unknown' },
    { name: 'Kafka', value: kafka ?? 'unknown' },
  ];
}

/** Reports are documents: those of the runs before change nothing of what is measured. */
function describeCommit(): string {
  const sources = ['--', '.', ':(exclude)docs'];
  const status = outputOf('git', ['status', '--porcelain', '--untracked-files=no', ...sources]);
  const isChanged = status !== '';
  const commit = outputOf('git', ['rev-parse', '--short=10', 'HEAD']);
  return isChanged ? `${commit}, with changes` : commit;
}

function outputOf(program: string, args: string[]): string {
  return execFileSync(program, args, { cwd: REPOSITORY_DIR, encoding: 'utf8' }).trim();
}
