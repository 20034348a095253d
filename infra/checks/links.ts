import { posix } from 'node:path';
import type { SourceFile } from './import-direction.ts';

/** What Markdown may speak of. */
export interface Surroundings {
  /** Whether the repository has a file or folder of this path. */
  readonly exists: (path: string) => boolean;
  /** The scripts of the root's package.json: their names and what they run. */
  readonly scripts: Readonly<Record<string, string>>;
  /** The scripts of the packages, by the packages' names. */
  readonly packageScripts: Readonly<Record<string, readonly string[]>>;
  /** What `infra/bootstrap.mjs` takes, with the options of each. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** The services and profiles of `docker-compose.yml`; undefined while there is no such file. */
  readonly compose?: { readonly services: readonly string[]; readonly profiles: readonly string[] };
}

/**
 * What is wrong with the links, paths and commands that Markdown files show, as sentences; empty
 * when a reader can follow all of them. Links to other hosts are not looked at.
 */
export function markdownProblems(files: readonly SourceFile[], around: Surroundings): string[] {
  const anchors = new Map(files.map((file) => [file.path, anchorsOf(file.text)]));
  return files.flatMap((file) => {
    const problems = [
      ...linksOf(file.text).map((target) => linkProblem(target, file, around, anchors)),
      ...inlineCodeOf(file.text).map((text) => pathProblem(text, file, around)),
      ...commandsOf(file.text).map((command) => commandProblem(command, around)),
      ...composeProblems(file.text, around),
    ];
    const found = problems.filter((problem) => problem !== undefined);
    return [...new Set(found)].map((problem) => `${file.path}: ${problem}`);
  });
}

const FENCE = /^(```|~~~)[^\n]*\n[\s\S]*?^\1\s*$/gm;
const INLINE_CODE = /`([^`\n]+)`/g;

function withoutFences(text: string): string {
  return text.replaceAll(FENCE, '');
}

function linksOf(text: string): string[] {
  const prose = withoutFences(text).replaceAll(INLINE_CODE, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)];
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm)];
  return [...inline, ...references].flatMap((match) => match[1] ?? []);
}

function linkProblem(
  target: string,
  file: SourceFile,
  around: Surroundings,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [path = '', anchor] = decodeURI(target).split('#', 2);
  const resolved = path === '' ? file.path : posix.join(posix.dirname(file.path), path);
  if (!around.exists(resolved)) return `the link ${target} leads nowhere`;
  if (anchor === undefined) return undefined;
  const known = anchors.get(resolved);
  return known && !known.has(anchor) ? `${resolved} has no heading #${anchor}` : undefined;
}

/** The anchors of the headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const match of withoutFences(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = (match[1] ?? '').replaceAll(/[`*]|\[|\]\([^)]*\)/g, '').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let name = slug;
    for (let count = 1; anchors.has(name); count += 1) name = `${slug}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

function inlineCodeOf(text: string): string[] {
  return [...withoutFences(text).matchAll(INLINE_CODE)].flatMap((match) => match[1] ?? []);
}

/** A path of the repository, or inside the package that a README belongs to. */
const REPOSITORY_PATH = /^(?:apps|packages|infra|docs|e2e)\/[\w./-]+$/;
const PACKAGE_PATH = /^(?:src|test|support|rules)\/[\w./-]+$/;

function pathProblem(text: string, file: SourceFile, around: Surroundings): string | undefined {
  const inPackage = PACKAGE_PATH.test(text);
  if (!inPackage && !REPOSITORY_PATH.test(text)) return undefined;
  if (text.includes('/dist/')) return undefined;
  const folder = posix.dirname(file.path);
  const paths = inPackage ? [posix.join(folder, text)] : [text, posix.join(folder, text)];
  return paths.some(around.exists) ? undefined : `there is no ${text}`;
}

/** What a reader is shown to type: the name of a script of the root, of a package, a command. */
type Command =
  | { readonly kind: 'npm'; readonly script: string; readonly options: readonly string[] }
  | { readonly kind: 'pnpm'; readonly package: string; readonly script: string }
  | { readonly kind: 'bootstrap'; readonly command: string };

function commandsOf(text: string): Command[] {
  const npm = text.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)(?: (?:\[?-- )([^\n`|;&]*))?/g);
  const pnpm = text.matchAll(/\bpnpm --filter (\S+) (?:run )?([\w:-]+)/g);
  const bootstrap = text.matchAll(/\binfra\/bootstrap\.mjs ([\w:-]+)/g);
  return [
    ...[...npm].map(
      ([, run, test, rest = '']): Command => ({
        kind: 'npm',
        script: run ?? test ?? '',
        options: rest.match(/(?<![\w-])--[a-z][\w-]*/g) ?? [],
      }),
    ),
    ...[...pnpm].map(
      ([, name = '', script = '']): Command => ({ kind: 'pnpm', package: name, script }),
    ),
    ...[...bootstrap].map(([, command = '']): Command => ({ kind: 'bootstrap', command })),
  ];
}

/** Words after `pnpm --filter <name>` that are pnpm's own. */
const PNPM_OWN = new Set(['exec', 'add', 'install']);

function commandProblem(command: Command, around: Surroundings): string | undefined {
  switch (command.kind) {
    case 'npm':
      return npmProblem(command.script, command.options, around);
    case 'pnpm': {
      const scripts = around.packageScripts[command.package];
      // A placeholder such as <name> is for the reader to fill in.
      if (/[<>$]/.test(command.package)) return undefined;
      if (!scripts) return `there is no package ${command.package}`;
      if (PNPM_OWN.has(command.script) || scripts.includes(command.script)) return undefined;
      return `${command.package} has no script ${command.script}`;
    }
    case 'bootstrap':
      return bootstrapProblem(command.command, [], around);
    default:
      return command satisfies never;
  }
}

function npmProblem(
  script: string,
  options: readonly string[],
  around: Surroundings,
): string | undefined {
  const runs = around.scripts[script];
  if (runs === undefined) return `there is no \`npm run ${script}\``;
  const command = /^node infra\/bootstrap\.mjs ([\w:-]+)/.exec(runs)?.[1];
  return command === undefined ? undefined : bootstrapProblem(command, options, around);
}

function bootstrapProblem(
  command: string,
  options: readonly string[],
  around: Surroundings,
): string | undefined {
  const known = around.commands[command];
  if (!known) return `infra/bootstrap.mjs has no command ${command}`;
  const unknown = options.find((option) => !known.includes(option));
  return unknown === undefined ? undefined : `the command ${command} has no option ${unknown}`;
}

/** `docker compose [--profile p] up|run|... [options] [services]`, in blocks and in prose. */
const COMPOSE =
  /\bdocker compose((?: --?[\w-]+(?:[ =][\w./-]+)?)*) (up|stop|start|restart|logs|exec|run|ps|kill)\b([^\n`|;&]*)/g;

function composeProblems(text: string, { compose }: Surroundings): string[] {
  if (!compose) return [];
  return [...text.matchAll(COMPOSE)].flatMap(([, before = '', verb = '', after = '']) => {
    const profiles = [...before.matchAll(/--profile[ =](\S+)/g)].map(([, name = '']) => name);
    const scaled = [...after.matchAll(/--scale[ =]([\w-]+)=/g)].map(([, name = '']) => name);
    const words = after.replaceAll(/--scale[ =]\S+/g, '').match(/(?<=^|\s)[a-z][\w-]*/g) ?? [];
    // What follows the service is the command to run in it.
    const named = verb === 'exec' || verb === 'run' ? words.slice(0, 1) : words;
    return [
      ...profiles
        .filter((name) => !compose.profiles.includes(name))
        .map((name) => `docker-compose.yml has no profile ${name}`),
      ...[...scaled, ...named]
        .filter((name) => !compose.services.includes(name))
        .map((name) => `docker-compose.yml has no service ${name}`),
    ];
  });
}
