import { describe, expect, it } from 'vitest';
import type { Principal } from '../principal.ts';
import { createKeyCache } from './key-cache.ts';

const PRINCIPAL: Principal = {
  merchantId: '01a1fda0-0000-7000-8000-000000000001',
  livemode: true,
  keyId: '01a1fda0-0000-7000-8000-000000000002',
  suspended: false,
  apiVersion: '2026-01-01',
};

/** A database that answers when it is told to, with what it held when it was asked. */
function given() {
  const clock = { atMs: 0 };
  const stored = { principal: PRINCIPAL as Principal | null };
  const open: { answer: () => void; fail: () => void }[] = [];
  let lookups = 0;
  const cache = createKeyCache(
    () => {
      lookups += 1;
      const seen = stored.principal;
      return new Promise((resolve, reject) => {
        open.push({
          answer: () => resolve(seen),
          fail: () => reject(new Error('the database is away')),
        });
      });
    },
    () => clock.atMs,
  );
  const answerAll = () => {
    for (const lookup of open.splice(0)) lookup.answer();
  };
  const find = async (keyHash = 'hash') => {
    const found = cache.find(keyHash);
    answerAll();
    return found;
  };
  return { clock, stored, open, cache, find, answerAll, lookups: () => lookups };
}

describe('a key that was just looked up', () => {
  it('is not looked up again', async () => {
    const { find, lookups } = given();
    await find();
    expect(await find()).toEqual(PRINCIPAL);
    expect(lookups()).toBe(1);
  });

  it('is looked up once for many requests', async () => {
    const { cache, answerAll, lookups } = given();
    const found = [cache.find('hash'), cache.find('hash'), cache.find('hash')];
    answerAll();
    expect(await Promise.all(found)).toEqual([PRINCIPAL, PRINCIPAL, PRINCIPAL]);
    expect(lookups()).toBe(1);
  });

  it('is not found for another hash', async () => {
    const { find, lookups } = given();
    await find('one');
    await find('two');
    expect(lookups()).toBe(2);
  });
});

describe('a key that was revoked', () => {
  it('is refused within a second', async () => {
    const { clock, stored, find } = given();
    await find();
    stored.principal = null;
    clock.atMs = 999;
    expect(await find()).toBeNull();
  });

  it('is refused within a second of the lookup that missed it, however slow that was', async () => {
    const { clock, stored, cache, open, find } = given();
    const slow = cache.find('hash');
    stored.principal = null;
    clock.atMs = 800;
    open.splice(0)[0]?.answer();
    expect(await slow).toEqual(PRINCIPAL);
    clock.atMs = 999;
    expect(await find()).toBeNull();
  });

  it('is not waited for with requests that began a lookup long ago', async () => {
    const { clock, stored, cache, open } = given();
    const old = cache.find('hash');
    stored.principal = null;
    clock.atMs = 1_000;
    const young = cache.find('hash');
    expect(open).toHaveLength(2);
    for (const lookup of open.splice(0)) lookup.answer();
    expect(await old).toEqual(PRINCIPAL);
    expect(await young).toBeNull();
  });

  it('stays refused when an older lookup answers late', async () => {
    const { clock, stored, cache, open, find, lookups } = given();
    const old = cache.find('hash');
    const [late] = open.splice(0);
    stored.principal = null;
    clock.atMs = 950;
    expect(await find()).toBeNull();
    late?.answer();
    await old;
    expect(await find()).toBeNull();
    expect(lookups()).toBe(2);
  });

  it('is seen by a key in use without a request that waits', async () => {
    const { clock, stored, cache, find, answerAll, lookups } = given();
    await find();
    stored.principal = null;
    clock.atMs = 500;
    expect(await cache.find('hash')).toEqual(PRINCIPAL);
    expect(lookups()).toBe(2);
    answerAll();
    await Promise.resolve();
    clock.atMs = 510;
    expect(await find()).toBeNull();
    expect(lookups()).toBe(2);
  });
});

describe('a database that is away', () => {
  it('fails the requests that need it and is asked again by the next', async () => {
    const { cache, open, find } = given();
    const failing = cache.find('hash');
    open.splice(0)[0]?.fail();
    await expect(failing).rejects.toThrow('the database is away');
    expect(await find()).toEqual(PRINCIPAL);
  });

  it('does not trouble a request that a young answer serves', async () => {
    const { clock, cache, open, find } = given();
    await find();
    clock.atMs = 600;
    expect(await cache.find('hash')).toEqual(PRINCIPAL);
    open.splice(0)[0]?.fail();
    await Promise.resolve();
    expect(await cache.find('hash')).toEqual(PRINCIPAL);
  });
});

describe('guesses without end', () => {
  it('do not push out a key in use', async () => {
    const { stored, find, lookups } = given();
    await find('in use');
    stored.principal = null;
    for (let guess = 0; guess < 6_000; guess += 1) await find(`guess ${guess}`);
    const before = lookups();
    expect(await find('in use')).toEqual(PRINCIPAL);
    expect(lookups()).toBe(before);
    await find('guess 0');
    expect(lookups()).toBe(before + 1);
  });
});
