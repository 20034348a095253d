import { startTcpProxy, type TcpProxy, testStack, waitFor } from '@mini-pg/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testLogger, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { createFastRedis, type FastRedis } from './fast-redis.ts';

let proxy: TcpProxy;
let redis: FastRedis;

const ping = () => redis.run((client) => client.ping());
const answers = () => waitFor(async () => (await ping()) === 'PONG', { what: 'Redis to answer' });

beforeEach(async () => {
  const { hostname, port } = new URL(testStack().redisUrl);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  redis = createFastRedis({ url: `redis://127.0.0.1:${proxy.port}`, logger: testLogger });
  await answers();
});

afterEach(async () => {
  await redis.stop();
  await proxy.stop();
});

describe('Redis as a fast path', () => {
  it('gives up a command that takes too long, and rests', async () => {
    proxy.delay(200);
    expect(await ping()).toBeUndefined();
    let asked = 0;
    const second = await redis.run(async (client) => {
      asked += 1;
      return client.ping();
    });
    expect(second).toBeUndefined();
    expect(asked).toBe(0);
  });

  it('answers again by itself once Redis is fast again', async () => {
    proxy.delay(200);
    expect(await ping()).toBeUndefined();
    proxy.delay(0);
    await answers();
  });

  it('gives up when the connection is silent, and comes back', async () => {
    proxy.blackHole();
    expect(await ping()).toBeUndefined();
    proxy.resume();
    await answers();
  });

  it('leaves a connection that answers nothing in time for 5 s', async () => {
    proxy.delay(200);
    const connections = new Set<unknown>();
    const another = async () => {
      await redis.run((client) => {
        connections.add(client);
        return client.ping();
      });
      return connections.size > 1;
    };
    await waitFor(another, { what: 'another connection', timeoutMs: 20_000 });
    proxy.delay(0);
    await answers();
  });

  it('gives up at once while Redis is away, and reconnects by itself', async () => {
    await proxy.refuse();
    await waitFor(async () => (await ping()) === undefined, { what: 'Redis to be away' });
    await proxy.accept();
    await answers();
  });

  it('turns an error of Redis into no answer', async () => {
    const key = `${uniquePrefix()}list`;
    await redis.run((client) => client.lPush(key, 'a'));
    expect(await redis.run((client) => client.get(key))).toBeUndefined();
    expect(await ping()).toBe('PONG');
    await redis.run((client) => client.del(key));
  });

  it('hears a channel again after the connection was cut', async () => {
    const channel = `${uniquePrefix()}channel`;
    const heard: string[] = [];
    await redis.subscribe(channel, (message) => heard.push(message));
    const hears = (message: string) =>
      waitFor(
        async () => {
          await redis.run((client) => client.publish(channel, message));
          return heard.includes(message);
        },
        { what: `to hear ${message}` },
      );
    await hears('before');
    proxy.cut();
    await hears('after');
  });
});
