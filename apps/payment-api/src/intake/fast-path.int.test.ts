import { newId } from '@mini-pg/runtime';
import { startTcpProxy, type TcpProxy, testStack, waitFor } from '@mini-pg/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testLogger, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { createFastRedis, type FastRedis } from '../redis/fast-redis.ts';
import { createFastPath, type FastPath } from './fast-path.ts';

const SLOW_MS = 200;
const FINGERPRINT = 'ab';

let proxy: TcpProxy;
let redis: FastRedis;
let fastPath: FastPath;

beforeEach(async () => {
  const { hostname, port } = new URL(testStack().redisUrl);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  redis = createFastRedis({ url: `redis://127.0.0.1:${proxy.port}`, logger: testLogger });
  fastPath = createFastPath(redis, uniquePrefix());
  await answered();
});

afterEach(async () => {
  await redis.stop();
  await proxy.stop();
});

/** What was sent on the connection before is done by then. */
const answered = () =>
  waitFor(async () => (await redis.run((client) => client.ping())) === 'PONG', { what: 'Redis' });

describe('the marker of a request', () => {
  it('stands until it is released', async () => {
    const key = newId();
    const marker = await fastPath.begin(key, FINGERPRINT);
    if (marker.kind !== 'FIRST') throw new Error('nobody was before it');
    expect(await fastPath.begin(key, FINGERPRINT)).toMatchObject({ kind: 'RUNNING' });
    await fastPath.release(key, marker.token, FINGERPRINT);
    expect(await fastPath.begin(key, FINGERPRINT)).toMatchObject({ kind: 'FIRST' });
  });

  it('is gone after a release, though Redis set it when nobody waited any more', async () => {
    const key = newId();
    proxy.delay(SLOW_MS);
    const marker = await fastPath.begin(key, FINGERPRINT);
    if (marker.kind !== 'UNKNOWN') throw new Error('the answer comes too late');
    await fastPath.release(key, marker.token, FINGERPRINT);
    proxy.delay(0);
    await answered();
    expect(await fastPath.begin(key, FINGERPRINT)).toMatchObject({ kind: 'FIRST' });
  });
});
