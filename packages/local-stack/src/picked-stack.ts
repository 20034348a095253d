/** The kind of the servers of this run of tests, before they were handed on as given ones. */
export const PICKED_VARIABLE = 'STACK_KIND';

/**
 * Whether tests of containers may run: where this run has its servers from Docker. If not, the
 * reason goes to the output, since a skipped test has no place for one.
 */
export function canUseDocker(what: string): boolean {
  const picked = process.env[PICKED_VARIABLE];
  if (picked === 'docker') return true;
  process.stderr.write(
    `skipped: ${what}, because the servers of this run are ${picked}, not docker\n`,
  );
  return false;
}
