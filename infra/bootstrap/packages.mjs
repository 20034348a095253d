import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installWithNpm } from './node.mjs';
import { isStamped, ROOT, runStep, stamp, stateOf, TOOLS } from './run.mjs';

const PNPM_VERSION = '12.21.0';
const PNPM_PREFIX = join(TOOLS, `pnpm-${PNPM_VERSION}`);
export const PNPM_BIN_DIR = join(PNPM_PREFIX, 'node_modules', '.bin');

/**
 * Installs pnpm and the packages of the workspace, unless they are as the lock file says.
 * @param {import('./node.mjs').NodeHome} node
 */
export async function ensurePackages(node) {
  const state = stateOf(manifests(), node.program, process.platform, process.arch);
  if (isStamped('packages', state) && existsSync(join(ROOT, 'node_modules'))) return;
  if (!existsSync(join(PNPM_BIN_DIR, 'pnpm'))) {
    await installWithNpm(`Installing pnpm ${PNPM_VERSION}`, PNPM_PREFIX, `pnpm@${PNPM_VERSION}`);
  }
  const what = 'Installing packages (the first time, the Kafka client is built from source)';
  await runStep(what, join(PNPM_BIN_DIR, 'pnpm'), ['install', '--frozen-lockfile'], {
    ...toolEnvironment(node),
    // pnpm asks before it replaces a folder of packages; nobody is there to answer.
    CI: 'true',
    // Where the Kafka client's prebuilt binary cannot be had, it is built: against the libraries
    // of the system, and with the headers of the Node that loads it.
    CKJS_LINKING: 'dynamic',
    npm_config_nodedir: node.headersDir,
  });
  stamp('packages', state);
}

/** What a tool of the workspace has to find: our Node and pnpm before any other. */
export function toolEnvironment(node) {
  return { PATH: [node.binDir, PNPM_BIN_DIR, process.env.PATH].join(delimiter) };
}

function manifests() {
  // Packages are in these two folders, or folders of the root themselves.
  const folders = ['.', 'packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => join(group, name)),
  );
  const packages = ['.', ...folders].map((folder) => join(ROOT, folder, 'package.json'));
  const settings = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(ROOT, name));
  return [...settings, ...packages.filter((file) => existsSync(file))];
}
