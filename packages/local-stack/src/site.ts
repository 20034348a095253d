import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { claimDataDir, claimEphemeralDir, type DataDir } from './data-dir.ts';
import { type Guardian, startGuardian } from './guardian.ts';
import type { Log } from './progress.ts';
import type { ServerHooks } from './server.ts';

/** Where processes run: a claimed folder for what they keep, and a guardian that ends them. */
export type Site = {
  dataDir: DataDir;
  logDir: string;
  guardian: Guardian;
  log: Log;
  /** Notes every process of the site in its folder, for the start after a crash. */
  hooks: ServerHooks;
  /** Ends all processes and gives the folder free, or removes it when it is ephemeral. */
  close(): Promise<void>;
};

/** @param path undefined for a temporary folder, which goes when the site ends in any way */
export async function openSite(
  path: string | undefined,
  log: Log,
  hooks: ServerHooks = {},
): Promise<Site> {
  const dataDir = path ? await claimDataDir(path, log) : await claimEphemeralDir(log);
  const logDir = join(dataDir.path, 'logs');
  mkdirSync(logDir, { recursive: true });
  const guardian = startGuardian(join(logDir, 'guardian.log'));
  dataDir.note('guardian', guardian.pid);
  if (dataDir.isEphemeral) guardian.removeAtEnd(dataDir.path);
  return {
    dataDir,
    logDir,
    guardian,
    log,
    hooks: {
      ...hooks,
      onStart(name, pid) {
        dataDir.note(name, pid);
        hooks.onStart?.(name, pid);
      },
    },
    async close() {
      await guardian.stop();
      dataDir.release();
    },
  };
}
