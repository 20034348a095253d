import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { LivingSystem } from './living-system.ts';

/** Servers whose data lie on a small file system of their own, so that it can be filled. */
const ON_SMALL_DISKS = ['postgres', 'kafka'] as const;
type OnSmallDisk = (typeof ON_SMALL_DISKS)[number];

const SIZE = '1g';
const FULL_MS = 4_000;
const BALLAST = 'ballast';
const CHUNK_BYTES = 64 * 1024;
const ANYBODY = 0o755;

/** A folder for a system's data in which some servers have a small disk each. */
export interface SmallDisks {
  readonly dataDir: string;
  remove(): void;
}

/** Mounts small file systems in memory; a sentence where this machine does not allow it. */
export function mountSmallDisks(): SmallDisks | string {
  const dataDir = mkdtempSync(join(tmpdir(), 'mini-pg-disks-'));
  chmodSync(dataDir, ANYBODY);
  const mounted: string[] = [];
  const remove = (): void => {
    for (const place of mounted) execFileSync('umount', ['--lazy', place]);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    for (const name of ON_SMALL_DISKS) {
      const place = join(dataDir, name);
      mkdirSync(place);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'mini-pg', place], {
        stdio: 'pipe',
      });
      mounted.push(place);
    }
    return { dataDir, remove };
  } catch (error) {
    remove();
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : error;
    return `no file system can be mounted here: ${reason}`;
  }
}

export function diskFaults(): Fault[] {
  return ON_SMALL_DISKS.map((name) => full(name));
}

function full(name: OnSmallDisk): Fault {
  const title = name === 'postgres' ? 'Postgres' : 'the broker';
  return {
    name: `the disk of ${title} is full`,
    what: 'not a byte is free for 4 s; a server that ended is started again',
    skipped: ({ smallDisks }) => (typeof smallDisks === 'string' ? smallDisks : undefined),
    strike: async (living) => {
      const ballast = fill(living, name);
      await sleep(FULL_MS);
      rmSync(ballast);
      const server = living.system.stack.server(name);
      // A server that hangs on a full disk is not worth waiting for.
      if (server.pid !== undefined) await server.kill('SIGKILL');
      await server.start();
      return { at: performance.now() };
    },
  };
}

/** Takes every block that is free. */
function fill({ smallDisks }: LivingSystem, name: OnSmallDisk): string {
  if (typeof smallDisks === 'string') throw new Error(smallDisks);
  const place = join(smallDisks.dataDir, name);
  const file = join(place, BALLAST);
  const { blocks, bsize } = statfsSync(place);
  const ballast = openSync(file, 'w');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (let bytes = 0; bytes <= blocks * bsize; bytes += chunk.length) writeSync(ballast, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(ballast);
  }
  return file;
}
