import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { FAILPOINTS } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { failpointCalls } from './failpoint-calls.ts';
import { readFiles } from './files.ts';

const NAMES = Object.values(FAILPOINTS).flatMap(Object.keys).sort();

describe('the failpoints of the sources', () => {
  it('are those of the list, each called at one place', () => {
    expect(failpointCalls(readFiles(REPOSITORY_DIR, ['.ts'])).sort()).toEqual(NAMES);
  });
});

describe('a call', () => {
  const callsOf = (path: string, text: string) => failpointCalls([{ path, text }]);

  it('counts as often as it stands in the sources', () => {
    const text = "failpoint('a.b'); if (x) failpoint(\n  'a.b',\n);";
    expect(callsOf('apps/one/src/x.ts', text)).toEqual(['a.b', 'a.b']);
  });

  it('by the place of a close counts once for each place', () => {
    const text = `failpoint(\`close.\${point}\`); await reach('begun'); await reach('ended');`;
    expect(callsOf('apps/one/src/x.ts', text)).toEqual(['close.begun', 'close.ended']);
  });

  it.each(['apps/one/src/x.unit.test.ts', 'e2e/test/x.ts', 'apps/one/test/x.ts'])(
    'of %s counts for nothing',
    (path) => {
      expect(callsOf(path, "failpoint('a.b')")).toEqual([]);
    },
  );
});
