import { FAILPOINTS } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { FAILPOINT_ROWS, KILLED_SERVICES, nameOfRow } from '../crash-matrix/failpoint-rows.ts';

describe('the rows of the crash matrix', () => {
  it('are every step of every service, each once', () => {
    const names = KILLED_SERVICES.flatMap((service) => [
      ...Object.keys(FAILPOINTS[service]),
      ...Object.keys(FAILPOINTS.every).map((name) => `${service}: ${name}`),
    ]);
    expect(FAILPOINT_ROWS.map(nameOfRow).sort()).toEqual(names.sort());
  });
});
