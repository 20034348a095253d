import { describe, expect, it } from 'vitest';
import { ADAPTED_PGS, createGateway } from './registry.ts';

describe('the registry of gateways', () => {
  it.each(ADAPTED_PGS)('builds the gateway of %s', async (pg) => {
    const gateway = createGateway(pg);
    expect(gateway.pg).toBe(pg);
    await gateway.close();
  });

  it('says which PGs have an adapter when one has none', () => {
    expect(() => createGateway('inicis')).toThrow('no adapter for inicis; there is one for: toss');
  });
});
