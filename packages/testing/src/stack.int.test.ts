import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { testStack } from './stack.ts';
import { waitFor } from './wait-for.ts';

describe('the stack of a test run', () => {
  it.each(['postgresUrl', 'redisUrl', 'kafkaBrokers'] as const)(
    'accepts connections: %s',
    async (name) => {
      const text = testStack()[name];
      const url = new URL(text.includes('://') ? text : `tcp://${text}`);
      const socket = connect(Number(url.port), url.hostname);
      await waitFor(() => socket.readyState === 'open', { what: `${name} to accept a connection` });
      socket.destroy();
      expect(socket.destroyed).toBe(true);
    },
  );
});
