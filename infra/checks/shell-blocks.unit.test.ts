import { describe, expect, it } from 'vitest';
import { shellBlocksOf, shellScriptOf } from './shell-blocks.ts';

const TEXT = [
  '# A',
  '',
  '```sh',
  'A=1',
  '```',
  '',
  '<!-- not run: it needs Docker -->',
  '',
  '```sh',
  'docker ps',
  '```',
  '```json',
  '{}',
  '```',
  '',
  '```sh',
  'echo $A',
  '```',
  '',
].join('\n');

describe('the shell blocks of a page', () => {
  it('are those of the language sh, with the reason why one is not run', () => {
    expect(shellBlocksOf(TEXT)).toEqual([
      { line: 3, text: 'A=1\n', notRun: undefined },
      { line: 7, text: 'docker ps\n', notRun: 'it needs Docker' },
      { line: 16, text: 'echo $A\n', notRun: undefined },
    ]);
  });

  it('are one script, without what is not run', () => {
    expect(shellScriptOf({ path: 'a.md', text: TEXT })).toBe(
      "set -euo pipefail\necho '== a.md:3'\nA=1\n\necho '== a.md:16'\necho $A\n",
    );
  });
});
