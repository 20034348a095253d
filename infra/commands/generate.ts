/** Writes the documents that are made from the code. `--check` writes nothing and fails instead. */
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { staleDocuments, writeDocuments } from '../generate/documents.ts';

const args = process.argv.slice(2);
const unknown = args.filter((arg) => arg !== '--check');
if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(' ')}: \`generate\` takes --check or nothing.`);
  process.exit(2);
}
if (args.includes('--check')) {
  const stale = await staleDocuments(REPOSITORY_DIR);
  for (const path of stale) console.error(`${path} is stale: run \`npm run generate\`.`);
  process.exit(stale.length === 0 ? 0 : 1);
}
const written = await writeDocuments(REPOSITORY_DIR);
console.log(
  written.length === 0 ? 'Every document is up to date.' : `Written: ${written.join(', ')}`,
);
