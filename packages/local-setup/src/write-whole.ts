import { renameSync, writeFileSync } from 'node:fs';

/** Readers see the old content or the new, never half of it; other users see neither. */
export function writeWhole(file: string, content: string): void {
  const draft = `${file}.draft`;
  writeFileSync(draft, `${content}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
