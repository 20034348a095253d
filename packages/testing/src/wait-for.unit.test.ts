import { describe, expect, it } from 'vitest';
import { waitFor } from './wait-for.ts';

describe('waitFor', () => {
  it('returns the first value that is not undefined or false', async () => {
    const answers = [undefined, false, 0] as const;
    let calls = 0;
    const value = await waitFor(() => answers[calls++], { what: 'a value', intervalMs: 1 });
    expect(value).toBe(0);
    expect(calls).toBe(3);
  });

  it('takes a check that throws as not yet', async () => {
    let calls = 0;
    const check = async (): Promise<string> => {
      calls += 1;
      if (calls < 3) throw new Error('not there');
      return 'there';
    };
    await expect(waitFor(check, { what: 'it', intervalMs: 1 })).resolves.toBe('there');
  });

  it('says what it waited for, with the last error as the cause', async () => {
    const failure = waitFor(() => Promise.reject(new Error('refused')), {
      what: 'the moon',
      timeoutMs: 5,
      intervalMs: 1,
    });
    await expect(failure).rejects.toThrow('Waited 5 ms in vain for: the moon');
    await expect(failure).rejects.toHaveProperty('cause.message', 'refused');
  });
});
