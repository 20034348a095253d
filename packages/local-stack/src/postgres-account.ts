import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Log } from './progress.ts';

/**
 * PostgreSQL refuses to run as root. Under root it therefore runs as another user of the
 * system, set by the spawn itself, and needs its programs and data where that user can go; a
 * clone in a folder of mode 0700 (`/root`, `mktemp -d`) is no such place. Then both live under
 * `/var/tmp`: the programs as a copy, the data behind a link in the data folder.
 * A user namespace (`unshare --user`) would need neither, but containers commonly forbid it, so
 * this way has to exist anyway, and one way is tested better than two.
 */
export type PostgresAccount = { uid: number; gid: number };

/** In the order of preference; `nobody` exists on every system. */
const ACCOUNTS = ['postgres', 'nobody'] as const;
const OUTSIDE_DIR = '/var/tmp';
const OUTSIDE_DATA_PREFIX = 'mini-pg-data-';
/** In a relocated folder: the path of the link that leads to it. */
const LINK_NOTE = 'link';

/** The user to run as; undefined when this process is not root and can run it itself. */
export function postgresAccount(): PostgresAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ACCOUNTS) {
    const ids = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
    const [uid, gid] = ids.map(({ status, stdout }) => (status === 0 ? Number(stdout) : 0));
    if (uid && gid) return { uid, gid };
  }
  throw new Error('PostgreSQL cannot run as root, and there is no user postgres or nobody here.');
}

/** The programs' folder itself, or a copy that the account can reach. */
export function reachablePrograms(
  native: string,
  version: string,
  account: PostgresAccount,
): string {
  if (canReach(account, join(native, 'bin', 'postgres'))) return native;
  const copy = join(OUTSIDE_DIR, `mini-pg-postgres-${version}`);
  if (existsSync(copy)) return ownPrograms(copy);
  const draft = `${copy}.${randomUUID()}`;
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another process may have been faster; anything else is an error.
    if (!existsSync(copy)) throw error;
  }
  return ownPrograms(copy);
}

/** Everybody may write to /var/tmp: programs that somebody else put there are not run. */
function ownPrograms(copy: string): string {
  const { uid, mode } = lstatSync(copy);
  if (uid === 0 && (mode & 0o022) === 0) return copy;
  throw new Error(`${copy} does not belong to root alone: remove it and start again.`);
}

/**
 * Makes `home`, a folder that belongs to the account, and returns where it really is: `home`
 * itself, or a folder outside to which `home` is a link.
 */
export function reachableHome(home: string, account: PostgresAccount, log: Log): string {
  const existing = lstatSync(home, { throwIfNoEntry: false });
  if (existing?.isSymbolicLink()) return relinkedHome(home, account);
  if (!existing) mkdirSync(home, { mode: 0o700 });
  chownSync(home, account.uid, account.gid);
  if (canReach(account, home)) return home;
  if (readdirSync(home).length > 0) {
    throw new Error(`${home} holds data but its user cannot reach it: open the folders above it.`);
  }
  rmSync(home, { recursive: true });
  removeOrphans(log);
  symlinkSync(join(OUTSIDE_DIR, `${OUTSIDE_DATA_PREFIX}${randomUUID()}`), home);
  log(`the data of Postgres is in ${readlinkSync(home)}: its user cannot reach ${home}`);
  return relinkedHome(home, account);
}

function relinkedHome(home: string, account: PostgresAccount): string {
  const outside = readlinkSync(home);
  const data = join(outside, 'data');
  if (!existsSync(data)) {
    mkdirSync(outside, { recursive: true, mode: 0o755 });
    chmodSync(outside, 0o755);
    writeFileSync(join(outside, LINK_NOTE), home);
    mkdirSync(data, { mode: 0o700 });
  }
  if (statSync(outside).uid !== 0) throw new Error(`${outside} does not belong to root.`);
  chownSync(data, account.uid, account.gid);
  return data;
}

/** Removes relocated data to which no link leads any more: its clone has been deleted. */
function removeOrphans(log: Log): void {
  for (const name of readdirSync(OUTSIDE_DIR)) {
    if (!name.startsWith(OUTSIDE_DATA_PREFIX)) continue;
    const outside = join(OUTSIDE_DIR, name);
    const note = join(outside, LINK_NOTE);
    // Without a note it may be one that another process is just making.
    if (statSync(outside).uid !== 0 || !existsSync(note)) continue;
    const link = readFileSync(note, 'utf8');
    const linked = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink();
    if (linked && readlinkSync(link) === outside) continue;
    rmSync(outside, { recursive: true, force: true });
    log(`removed ${outside}, left by ${link}`);
  }
}

/** What `home` leads to outside, so that it can be removed with it. */
export function outsideOf(home: string): string | undefined {
  return lstatSync(home, { throwIfNoEntry: false })?.isSymbolicLink()
    ? readlinkSync(home)
    : undefined;
}

function canReach(account: PostgresAccount, path: string): boolean {
  try {
    execFileSync('/usr/bin/env', ['test', '-r', path, '-a', '-x', path], { ...account, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
