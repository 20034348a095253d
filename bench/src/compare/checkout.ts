import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR, type Site, withProgress } from '@mini-pg/local-stack';
import type { Endings } from '../endings.ts';
import { loadSubject, type Subject } from '../subject.ts';

const LOG_LINES_IN_ERROR = 20;
const STOP_TIMEOUT_MS = 10_000;
const STAGE = 10;
/** Of `.tools`: they are about the folder that they lie in. */
const NOT_SHARED = ['stamps', 'logs'];

/**
 * The commit that a reference names, in short.
 *
 * @throws Error that says what to give instead
 */
export function commitOf(reference: string): string {
  try {
    return git('rev-parse', '--verify', '--quiet', '--short=10', `${reference}^{commit}`);
  } catch {
    throw new Error(
      `--compare ${reference}: there is no such commit here. Give one of \`git log\`, a branch or ` +
        'a tag; a shallow clone has few: `git fetch --unshallow`',
    );
  }
}

/**
 * Checks a commit out into a folder of the site, with packages and builds of its own, and gives its
 * programs. The folder goes with the endings.
 */
export async function checkOut(site: Site, endings: Endings, commit: string): Promise<Subject> {
  const folder = join(site.dataDir.path, `commit-${commit}`);
  // What a run that was killed has left is noted by git and no longer there.
  git('worktree', 'prune');
  endings.add(() => void git('worktree', 'remove', '--force', folder));
  git('worktree', 'add', '--quiet', '--detach', folder, commit);
  shareTools(folder);
  await withProgress(`installing and building ${commit}`, site.log, () =>
    build(site, endings, folder),
  );
  return loadSubject(commit, folder);
}

/** Of the stamps, the one that holds for every folder of this machine. */
const SHARED_STAMP = join('stamps', 'system-programs');

/** Node, pnpm and the jars of Kafka; another version than ours is installed beside them. */
function shareTools(folder: string): void {
  const tools = join(REPOSITORY_DIR, '.tools');
  mkdirSync(join(folder, '.tools', 'stamps'), { recursive: true });
  if (existsSync(join(tools, SHARED_STAMP))) {
    cpSync(join(tools, SHARED_STAMP), join(folder, '.tools', SHARED_STAMP));
  }
  for (const name of readdirSync(tools).filter((one) => !NOT_SHARED.includes(one))) {
    symlinkSync(join(tools, name), join(folder, '.tools', name));
  }
}

async function build(site: Site, endings: Endings, folder: string): Promise<void> {
  const log = join(site.logDir, 'compared.log');
  const bootstrap = await site.guardian.run({
    name: 'compared',
    command: process.execPath,
    args: [join(folder, 'infra', 'bootstrap.mjs'), 'turbo', 'build', '--filter=./apps/*'],
    cwd: folder,
    env: { ...inherited(), FOLLOW_PARENT: '1' },
    output: { file: log },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    stage: STAGE,
  });
  endings.add(async () => void (await bootstrap.stop()));
  const { code } = await bootstrap.exited;
  if (code === 0) return;
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_IN_ERROR);
  throw new Error(`the commit to compare with does not build here:\n${lines.join('\n')}`);
}

function inherited(): Record<string, string> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: REPOSITORY_DIR,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}
