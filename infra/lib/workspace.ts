import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { z } from 'zod';

const manifestSchema = z.object({
  name: z.string(),
  scripts: z.record(z.string(), z.string()).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

const referencesSchema = z.object({
  references: z.array(z.object({ path: z.string() })).default([]),
});

/** A package or app of this repository. `folder` is relative to its root: `apps/payment-api`. */
export type WorkspacePackage = z.infer<typeof manifestSchema> & { folder: string };

/** Every package and app, and beside them `infra`, `e2e` and `bench`. */
export function workspacePackages(): WorkspacePackage[] {
  const folders = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(REPOSITORY_DIR, group)).map((name) => join(group, name)),
  );
  return [...folders, 'infra', 'e2e', 'bench'].flatMap((folder) => {
    const file = join(REPOSITORY_DIR, folder, 'package.json');
    if (!existsSync(file)) return [];
    return [{ folder, ...manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) }];
  });
}

/** The packages that a package's `tsconfig.json` builds on; undefined when it builds nothing. */
export function buildReferences(one: WorkspacePackage): string[] | undefined {
  const file = join(REPOSITORY_DIR, one.folder, 'tsconfig.json');
  if (!one.scripts.build || !existsSync(file)) return undefined;
  const { references } = referencesSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return references.map(({ path }) => {
    const manifest = join(REPOSITORY_DIR, one.folder, path, 'package.json');
    return manifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8'))).name;
  });
}
