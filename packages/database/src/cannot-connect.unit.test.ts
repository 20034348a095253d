import { describe, expect, it } from 'vitest';
import { checkDatabaseUrl, connecting } from './cannot-connect.ts';

const TARGET = { url: 'postgres://user:p%40ss@db.example/minipg', setting: 'DATABASE_URL' };

function failing(error: object): Promise<unknown> {
  return connecting(TARGET, () => Promise.reject(error));
}

describe('the first work on a database', () => {
  it('gives its result', async () => {
    expect(await connecting(TARGET, async () => 7)).toBe(7);
  });

  it.each<[{ code?: string; message: string }, string]>([
    [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }, 'check the host and port of'],
    [{ code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND' }, 'check the host and port of'],
    [{ message: 'timeout expired' }, 'check the host and port of'],
    [{ message: 'Connection terminated due to connection timeout' }, 'check the host and port of'],
    [{ code: '28P01', message: 'password authentication failed' }, 'check user and password of'],
    [{ code: '3D000', message: 'does not exist' }, 'make the database, or name another one by'],
    [{ code: '53300', message: 'too many' }, 'raise max_connections of the server of'],
  ])('says what to do about %j', async ({ code, message }, advice) => {
    const error = Object.assign(new Error(message), code ? { code } : {});
    const told = await failing(error).catch((failure: Error) => failure.message);
    expect(told).toContain(`Postgres at db.example:5432/minipg: ${message}; `);
    expect(told).toContain(advice);
    expect(told).toMatch(/ DATABASE_URL$/);
  });

  it('names the code of an error without a message', async () => {
    const error = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    await expect(failing(error)).rejects.toThrow(
      'Postgres at db.example:5432/minipg: ECONNREFUSED',
    );
  });

  it('passes any other error on', async () => {
    const error = Object.assign(new Error('syntax error'), { code: '42601' });
    await expect(failing(error)).rejects.toBe(error);
  });
});

describe('a URL', () => {
  it.each(['postgres://u:p@h/d', 'postgresql://h:1/d'])('may be %s', (url) => {
    expect(() => checkDatabaseUrl({ url, setting: 'X' })).not.toThrow();
  });

  it.each(['', 'h/d', 'mysql://h/d', 'postgres://u:p@[h/d'])('may not be %j', (url) => {
    expect(() => checkDatabaseUrl({ url, setting: 'X' })).toThrow(
      /^X is no URL of Postgres: give /,
    );
  });
});
