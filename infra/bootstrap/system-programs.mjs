import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findProgram, isStamped, runStep, SetupError, stamp } from './run.mjs';

const JAVA_MAJOR_MIN = 17;

/** Java packages in the order of preference; Debian and Ubuntu carry different ones. */
const JAVA_PACKAGES = [
  'openjdk-21-jre-headless',
  'openjdk-17-jre-headless',
  'default-jre-headless',
];

/** What the machine has to have, with the names of its packages for apt and for Homebrew. */
const REQUIREMENTS = [
  { what: 'redis-server', apt: ['redis-server'], brew: 'redis', isThere: has('redis-server') },
  { what: `Java ${JAVA_MAJOR_MIN}`, apt: JAVA_PACKAGES, brew: 'openjdk', isThere: hasJava },
  { what: 'Maven', apt: ['maven'], brew: 'maven', isThere: has('mvn') },
  // The rest builds the Kafka client where no prebuilt one can be had.
  { what: 'a C++ compiler', apt: ['g++'], brew: 'gcc', isThere: has('g++') },
  { what: 'make', apt: ['make'], brew: 'make', isThere: has('make') },
  { what: 'Python 3', apt: ['python3'], brew: 'python3', isThere: has('python3') },
  {
    what: 'the headers of OpenSSL',
    apt: ['libssl-dev'],
    brew: 'openssl',
    isThere: hasHeader('openssl/ssl.h'),
  },
  { what: 'the headers of zlib', apt: ['zlib1g-dev'], brew: 'zlib', isThere: hasHeader('zlib.h') },
];

/**
 * Checks the programs of the system, and installs what is missing where that needs no question:
 * with apt-get, as root or with a sudo that asks for no password.
 * @throws {SetupError} with the command that installs the rest
 */
export async function ensureSystemPrograms() {
  // Java's version costs a start of Java, so it is asked once for each place of the program.
  const state = [findProgram('redis-server'), findProgram('java'), findProgram('mvn')].join('\n');
  if (isStamped('system-programs', state)) return;
  const missing = REQUIREMENTS.filter(({ isThere }) => !isThere());
  if (missing.length > 0) await install(missing);
  stamp(
    'system-programs',
    [findProgram('redis-server'), findProgram('java'), findProgram('mvn')].join('\n'),
  );
}

async function install(missing) {
  const words = missing.map(({ what }) => what).join(', ');
  if (!findProgram('apt-get')) {
    throw new SetupError(
      `Missing: ${words}. Install with: brew install ${missing.map(({ brew }) => brew).join(' ')}`,
    );
  }
  const prefix = aptPrefix();
  if (prefix === undefined) {
    const command = `sudo apt-get install -y ${aptPackages(missing).join(' ')}`;
    throw new SetupError(`Missing: ${words}. Install with: ${command}`);
  }
  console.log(`Missing: ${words}.`);
  await apt(prefix, 'Reading the lists of system packages', ['update']);
  const packages = aptPackages(missing);
  const options = ['install', '--yes', '--no-install-recommends'];
  await apt(prefix, `Installing ${packages.join(' ')}`, [...options, ...packages]);
  const still = missing.filter(({ isThere }) => !isThere()).map(({ what }) => what);
  if (still.length > 0) throw new SetupError(`Still missing: ${still.join(', ')}.`);
}

/** How apt-get may be run without a question: as it is, by sudo, or not at all. */
function aptPrefix() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

function apt(prefix, what, args) {
  // `env` instead of an environment of ours, since sudo drops that.
  const command = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
  return runStep(what, command[0], command.slice(1));
}

function aptPackages(missing) {
  return missing.map(({ apt: names }) => names.find(isInLists) ?? names.at(-1));
}

function isInLists(name) {
  const { stdout } = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8' });
  return /Candidate: (?!\(none\))/.test(stdout ?? '');
}

function has(program) {
  return () => findProgram(program) !== undefined;
}

function hasJava() {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0) >= JAVA_MAJOR_MIN;
}

function hasHeader(name) {
  // Elsewhere they come with the compiler or with Homebrew, which knows where they are.
  if (process.platform !== 'linux') return () => true;
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return () => ['', `${triplet}/`].some((place) => existsSync(`/usr/include/${place}${name}`));
}
