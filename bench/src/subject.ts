import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as auditor from '@mini-pg/auditor';
import { startSystem } from '@mini-pg/local-stack';
import { loadProfile } from '@mini-pg/runtime';
import { z } from 'zod';

/**
 * The commit that is measured: its own programs start its services, and hold its tables to the
 * rules about money. Everything else, the load generator above all, is of the commit that runs.
 */
export interface Subject {
  readonly name: string;
  readonly startSystem: typeof startSystem;
  readonly auditor: Pick<typeof auditor, 'audit' | 'boundsOf' | 'formatReport'>;
  readonly loadProfile: typeof loadProfile;
}

export const THIS_COMMIT: Subject = { name: 'this commit', startSystem, auditor, loadProfile };

const aFunction = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function');
const stackSchema = z.looseObject({ startSystem: aFunction });
const auditorSchema = z.looseObject({
  audit: aFunction,
  boundsOf: aFunction,
  formatReport: aFunction,
});
const runtimeSchema = z.looseObject({ loadProfile: aFunction });

/**
 * The programs of a commit that is checked out, installed and built in a folder.
 *
 * @throws Error when it has none of that name, because it is too old
 */
export async function loadSubject(name: string, folder: string): Promise<Subject> {
  const programs = async (of: string): Promise<unknown> =>
    import(pathToFileURL(join(folder, 'packages', of, 'src', 'index.ts')).href);
  try {
    const stack = stackSchema.parse(await programs('local-stack'));
    const rules = auditorSchema.parse(await programs('auditor'));
    const runtime = runtimeSchema.parse(await programs('runtime'));
    return {
      name,
      startSystem: stack.startSystem as typeof startSystem,
      auditor: rules as unknown as Subject['auditor'],
      loadProfile: runtime.loadProfile as typeof loadProfile,
    };
  } catch (error) {
    throw new Error(
      `${name} cannot be compared with: it lacks programs that a bench starts ` +
        `(${error instanceof Error ? error.message.split('\n')[0] : error})`,
    );
  }
}
