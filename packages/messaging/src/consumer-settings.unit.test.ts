import { describe, expect, it } from 'vitest';
import { consumerSettings, DEFAULT_TIMING } from './consumer-settings.ts';

const identity = { brokers: '127.0.0.1:9092', groupId: 'group', clientId: 'client' };

describe('the settings of a consumer', () => {
  it('have the broker hand out each event at once', () => {
    const settings = consumerSettings(identity, 500, DEFAULT_TIMING);
    expect(settings['fetch.min.bytes']).toBeUndefined();
    expect(settings['fetch.wait.max.ms']).toBe(50);
  });

  it('have it gather events for no longer than the consumer has time', () => {
    const settings = consumerSettings({ ...identity, gatherMs: 500 }, 500, DEFAULT_TIMING);
    expect(settings['fetch.min.bytes']).toBe(262_144);
    expect(settings['fetch.wait.max.ms']).toBe(500);
  });

  it('keep what guards events whatever else is set', () => {
    for (const gatherMs of [undefined, 500]) {
      const settings = consumerSettings(
        gatherMs === undefined ? identity : { ...identity, gatherMs },
        500,
        DEFAULT_TIMING,
      );
      expect(settings).toMatchObject({
        'enable.auto.offset.store': false,
        'auto.offset.reset': 'error',
      });
    }
  });
});
