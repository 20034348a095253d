import { posix } from 'node:path';
import type { SourceFile } from './import-direction.ts';

/** A page of ours by its path, in a comment or in prose. */
const PAGE = /(?<![\w./-])docs\/[\w./-]*\w\.(?:md|yaml|json)\b/g;

const ADR = /\bADR (\d{4})\b/g;

/** A document by its name and a part of it: `design, section 3`, `some-notes, 2.1`. */
const PART = /(?<![\w./-])((?:[a-z]+-)*[a-z]+)(?:, | )(?:sections? \d|\d+\.\d+(?![\d.]*[a-z%]))/g;

/** Words that stand before a number or a section and name no document. */
const NO_DOCUMENT: ReadonlySet<string> = new Set(['see', 'of', 'in', 'this', 'the', 'and', 'its']);

/**
 * Documents that files cite and that are not in the repository, as sentences: who reads the source
 * has nothing else. Standards and laws are cited by their own names and numbers.
 */
export function citationProblems(
  files: readonly SourceFile[],
  exists: (path: string) => boolean,
): string[] {
  const pages = new Set(files.map(({ path }) => posix.basename(path, '.md')));
  const adrs = new Set(files.flatMap(({ path }) => /^docs\/adr\/(\d{4})-/.exec(path)?.[1] ?? []));
  return files.flatMap(({ path, text }) => {
    const cited = [
      ...matches(text, PAGE).filter(
        (page) => !exists(page) && !exists(posix.join(posix.dirname(path), page)),
      ),
      ...matches(text, ADR, 1)
        .filter((number) => !adrs.has(number))
        .map((number) => `ADR ${number}`),
      ...matches(proseOf(path, text), PART, 1).filter(
        (name) => isDocument(name) && !pages.has(name),
      ),
    ];
    return [...new Set(cited)].map((name) => `${path}: there is no ${name}`);
  });
}

/** A document has a name of more than one word here, or is called by what it is. */
function isDocument(name: string): boolean {
  if (NO_DOCUMENT.has(name)) return false;
  return name.includes('-') || name === 'design' || name === 'reference';
}

const COMMENT = /\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g;

/** What of a file is words: all of a page, the comments of a source. */
function proseOf(path: string, text: string): string {
  const prose = path.endsWith('.md') ? text : (text.match(COMMENT) ?? []).join('\n');
  // A citation may be broken over two lines of a comment.
  return prose.replaceAll(/\n\s*\*? ?/g, ' ');
}

function matches(text: string, pattern: RegExp, group = 0): string[] {
  return [...text.matchAll(pattern)].flatMap((match) => match[group] ?? []);
}
