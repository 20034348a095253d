import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { SourceFile } from './import-direction.ts';

/** Folders that hold nothing of ours: what was installed, built or left by a run. */
const NOT_OURS = new Set(['node_modules', 'dist']);

/** The files below `rootDir` whose names end as asked, dot folders left out, in a fixed order. */
export function readFiles(rootDir: string, endings: readonly string[]): SourceFile[] {
  return pathsIn(rootDir)
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({
      path: relative(rootDir, path).split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }));
}

function pathsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && !NOT_OURS.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? pathsIn(path) : [path];
    });
}
