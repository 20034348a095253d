import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isAlive,
  type ProcessRecord,
  recordProcess,
  signalAll,
  waitUntilGone,
} from './process-identity.ts';
import { type Log, withProgress } from './progress.ts';

const CLAIM_FILE = 'stack.json';
const EPHEMERAL_PREFIX = 'mini-pg-stack-';
const CLAIM_ATTEMPTS_MAX = 5;
/** A guardian whose owner was killed may be at work; it needs seconds at most. */
const LEFTOVERS_GRACE_MS = 20_000;
/** Its services have 25 s to drain, and the servers come after them. */
const OWNER_STOP_TIMEOUT_MS = 75_000;
const KILLED_GONE_TIMEOUT_MS = 5_000;

/** Who uses a data folder, and which processes were started on it. */
type Claim = { owner: ProcessRecord; processes: Record<string, ProcessRecord> };

export type DataDir = {
  path: string;
  /** A temporary folder, to be removed at the end. */
  isEphemeral: boolean;
  /** Notes a process, so that the next start finds it should everything else fail. */
  note(name: string, pid: number): void;
  /** Gives the folder free for the next start. */
  release(): void;
};

/**
 * Claims a folder for this process. A claim whose owner is dead is taken over, after the
 * processes that it left have ended; a live owner is an error.
 */
export async function claimDataDir(path: string, log: Log): Promise<DataDir> {
  mkdirSync(path, { recursive: true });
  const file = join(path, CLAIM_FILE);
  const claim: Claim = { owner: recordProcess(process.pid), processes: {} };
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS_MAX; attempt += 1) {
    if (writeIfAbsent(file, claim)) return ownedDataDir(path, claim);
    const found = readClaim(file);
    if (found && isAlive(found.owner)) {
      throw new Error(
        `A stack is running on ${path} already, owned by process ${found.owner.pid}. ` +
          'Stop it first (`npm run down` stops the one of `npm run up`).',
      );
    }
    await takeAway(file, found, log);
  }
  throw new Error(`Could not claim ${path}: other processes keep claiming it.`);
}

/** The process that runs a stack on a folder; undefined when none does. */
export function ownerOf(path: string): ProcessRecord | undefined {
  const claim = readClaim(join(path, CLAIM_FILE));
  return claim && isAlive(claim.owner) ? claim.owner : undefined;
}

/**
 * Ends the process that runs a stack on a folder, and everything that it started; also what is
 * left when that process is dead already.
 * @returns whether there was anything to end
 */
export async function stopOwner(path: string, log: Log): Promise<boolean> {
  const file = join(path, CLAIM_FILE);
  const claim = readClaim(file);
  if (!claim) return false;
  const all = [claim.owner, ...Object.values(claim.processes)];
  const wasUp = all.some(isAlive);
  signalAll([claim.owner], 'SIGTERM');
  await withProgress('stopping', log, () => waitUntilGone([claim.owner], OWNER_STOP_TIMEOUT_MS));
  // An owner that does not end in order is killed, and its guardian does the rest.
  signalAll([claim.owner], 'SIGKILL');
  await endLeftovers(readClaim(file) ?? claim, log);
  rmSync(file, { force: true });
  return wasUp;
}

/** A folder under the system's temporary one; those that dead runs left there are removed. */
export async function claimEphemeralDir(log: Log): Promise<DataDir> {
  await sweepEphemeralDirs(log);
  const path = mkdtempSync(join(tmpdir(), EPHEMERAL_PREFIX));
  // Open to pass through: under root, Postgres runs as another user.
  chmodSync(path, 0o711);
  return { ...(await claimDataDir(path, log)), isEphemeral: true };
}

function ownedDataDir(path: string, claim: Claim): DataDir {
  const file = join(path, CLAIM_FILE);
  return {
    path,
    isEphemeral: false,
    note(name, pid) {
      claim.processes[name] = recordProcess(pid);
      const next = `${file}.next`;
      writeFileSync(next, JSON.stringify(claim));
      renameSync(next, file);
    },
    release: () => rmSync(file, { force: true }),
  };
}

/** Writes the whole claim or, when one is there, nothing: a reader never sees half of it. */
function writeIfAbsent(file: string, claim: Claim): boolean {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(claim));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}

function readClaim(file: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

async function takeAway(file: string, stale: Claim | undefined, log: Log): Promise<void> {
  if (stale) await endLeftovers(stale, log);
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // Another process took it away first.
  }
  const taken = readClaim(aside);
  if (taken && isAlive(taken.owner)) linkSync(aside, file);
  else log(`removed a stale claim of process ${stale?.owner.pid ?? 'unknown'}`);
  rmSync(aside);
}

async function endLeftovers(claim: Claim, log: Log): Promise<void> {
  const left = Object.entries(claim.processes).filter(([, record]) => isAlive(record));
  if (left.length === 0) return;
  const records = left.map(([, record]) => record);
  log(`waiting for the processes of a dead owner: ${left.map(([name]) => name).join(', ')}`);
  // Without its guardian nothing ends them, so there is nothing to wait for.
  const guardian = claim.processes.guardian;
  if (guardian && isAlive(guardian) && (await waitUntilGone(records, LEFTOVERS_GRACE_MS))) return;
  signalAll(records, 'SIGKILL');
  await waitUntilGone(records, KILLED_GONE_TIMEOUT_MS);
}

async function sweepEphemeralDirs(log: Log): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(EPHEMERAL_PREFIX)) continue;
    const path = join(tmpdir(), name);
    const claim = readClaim(join(path, CLAIM_FILE));
    // Without a claim it may be one that another process is just making.
    if (!claim || isAlive(claim.owner) || statSync(path).uid !== process.getuid?.()) continue;
    await endLeftovers(claim, log);
    rmSync(path, { recursive: true, force: true });
    log(`removed ${path}, left by process ${claim.owner.pid}`);
  }
}
