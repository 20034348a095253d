import type { SourceFile } from './import-direction.ts';

/** What the names in Markdown may stand for. */
export interface KnownNames {
  /** Every name with an underscore in the code: variables, codes, states, tables, metrics. */
  readonly words: ReadonlySet<string>;
  /** Variables that a program of the repository reads from its environment. */
  readonly variables: ReadonlySet<string>;
  readonly topics: ReadonlySet<string>;
  /** The names of the files with tests, without their folders. */
  readonly testFiles: ReadonlySet<string>;
  /** `GET /api/v1/payments/{id}`: what the services serve. */
  readonly calls: readonly string[];
}

/**
 * What is wrong with the names that Markdown files show, as sentences; empty when each of them is
 * one of the code: variables, codes, states, tables, metrics, topics and calls.
 */
export function nameProblems(files: readonly SourceFile[], known: KnownNames): string[] {
  return files.flatMap(({ path, text }) => {
    const problems = [
      ...codeSpansOf(text).flatMap((span) => spanProblems(span, known)),
      ...assignmentProblems(text, known),
    ];
    return [...new Set(problems)].map((problem) => `${path}: ${problem}`);
  });
}

const FENCED = /^(```|~~~)([^\n]*)\n([\s\S]*?)^\1\s*$/gm;
const INLINE = /`([^`\n]+)`/g;

/** What stands in code: between backticks, and in blocks. */
function codeSpansOf(text: string): string[] {
  const blocks = [...text.matchAll(FENCED)].map(([, , , body = '']) => body);
  const inline = [...text.replaceAll(FENCED, '').matchAll(INLINE)].map(([, span = '']) => span);
  return [...inline, ...blocks];
}

function spanProblems(span: string, known: KnownNames): string[] {
  return [
    ...wordProblems(span, known),
    ...testFileProblems(span, known),
    ...topicProblems(span, known),
    ...callProblems(span, known),
  ];
}

/** A span that is one name, alone or with labels: `outbox_dead`, `open_exceptions{kind}`. */
const ONE_NAME = /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\{[^}]*\})?$/;

/** Names of others that our code does not spell: settings of servers. */
const FOREIGN = new Set(['synchronous_commit']);

function wordProblems(span: string, { words }: KnownNames): string[] {
  const name = ONE_NAME.exec(span)?.[1];
  if (name === undefined || words.has(name) || FOREIGN.has(name)) return [];
  return [`the code has no name ${name}`];
}

const TEST_FILE = /^[\w-]+\.(?:unit|int|e2e)\.test\.ts$/;

function testFileProblems(span: string, { testFiles }: KnownNames): string[] {
  if (!TEST_FILE.test(span) || testFiles.has(span)) return [];
  return [`there is no test ${span}`];
}

const TOPIC = /^((?:payment|settlement|merchant|processor)\.[a-z-]+)(?:\.dlq)?$/;
/** Consumer groups and files look like topics. */
const NO_TOPIC = /\.(?:ts|json|md|outcomes|settlements|facts|intake)$/;

function topicProblems(span: string, { topics }: KnownNames): string[] {
  const topic = TOPIC.exec(span)?.[1];
  if (topic === undefined || NO_TOPIC.test(span) || topics.has(topic)) return [];
  return [`there is no topic ${topic}`];
}

const CALL = /(?:\b(GET|POST|PUT|PATCH|DELETE) )?[\w:$/.{}()]*?(\/api\/v1\/[^\s`'"?|\\<)]+)/g;

function callProblems(span: string, { calls }: KnownNames): string[] {
  return [...span.matchAll(CALL)].flatMap(([, method, path = '']) => {
    const isKnown = calls.some((call) => {
      const [knownMethod = '', knownPath = ''] = call.split(' ');
      return (method === undefined || method === knownMethod) && isPath(path, knownPath);
    });
    return isKnown ? [] : [`no service has the call ${method ? `${method} ` : ''}${path}`];
  });
}

/** A path with its parameters filled in, by a value or a variable of the shell, or shown as such. */
function isPath(path: string, known: string): boolean {
  const parts = path.replace(/[.,:;*]+$/, '').split('/');
  const knownParts = known.split('/');
  if (/(?:\/|\.\.\.)$/.test(path)) return known.startsWith(path.replace(/\.+$/, ''));
  return (
    parts.length === knownParts.length &&
    knownParts.every((part, index) => part.startsWith('{') || part === parts[index])
  );
}

/** `NAME=value program`, `export NAME=value`: the environment of a program, not of the block. */
const ENVIRONMENT = /^\s*(?:export |env )?((?:[A-Z][A-Z0-9_]*=(?:'[^']*'|"[^"]*"|[^\s;'"(]*) )+)\w/;

function assignmentProblems(text: string, { variables }: KnownNames): string[] {
  const lines = [...text.matchAll(FENCED)].flatMap(([, , , body = '']) => body.split('\n'));
  return lines.flatMap((line) => {
    const given = ENVIRONMENT.exec(line)?.[1] ?? '';
    const names = [...given.matchAll(/([A-Z][A-Z0-9_]*)=/g)].map(([, name = '']) => name);
    return names
      .filter((name) => !variables.has(name))
      .map((name) => `no program reads the variable ${name}`);
  });
}
