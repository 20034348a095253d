import type { SourceFile } from './import-direction.ts';

/** A block that is shown to be typed. A reason not to run it stands in a comment before it. */
export interface ShellBlock {
  readonly line: number;
  readonly text: string;
  /** Why the test does not run it: `<!-- not run: reason -->` before the block. */
  readonly notRun: string | undefined;
}

const BLOCK = /(?:<!-- not run: ([^\n]+?) -->\n+)?^```sh\n([\s\S]*?)^```$/gm;

/** The blocks of a page whose language is `sh`, in order. */
export function shellBlocksOf(text: string): ShellBlock[] {
  return [...text.matchAll(BLOCK)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    text: match[2] ?? '',
    notRun: match[1],
  }));
}

/**
 * The blocks of a page as one script, since a block may use what an earlier one has set. It ends
 * with the first command that fails, and says before each block where it stands.
 */
export function shellScriptOf({ path, text }: SourceFile): string {
  const blocks = shellBlocksOf(text).filter(({ notRun }) => notRun === undefined);
  return [
    'set -euo pipefail',
    ...blocks.map((block) => `echo '== ${path}:${block.line}'\n${block.text}`),
  ].join('\n');
}
