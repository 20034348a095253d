import { describe, expect, it } from 'vitest';
import { Mix } from './mix.ts';
import { ScenarioReader } from './scenario.ts';

const reader = new ScenarioReader(() => true);
const settings = {
  seed: 42,
  latencyMs: 0,
  scenarios: { approve: 90, 'decline:REJECT_CARD_COMPANY': 8, 'slow:5,garbage': 2, hang: 0 },
};
const DRAWS = 10_000;

function draw(seed: number): string[] {
  const mix = new Mix({ ...settings, seed }, reader);
  return Array.from({ length: DRAWS }, () => mix.pick().text);
}

describe('a mix', () => {
  it('draws the same row for the same seed and another for another', () => {
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).not.toEqual(draw(43));
  });

  it('draws each scenario by its weight', () => {
    const picks = draw(1);
    const share = (text: string) => picks.filter((pick) => pick === text).length / DRAWS;
    expect(share('approve')).toBeCloseTo(0.9, 1);
    expect(share('decline:REJECT_CARD_COMPANY')).toBeCloseTo(0.08, 1);
    expect(share('slow:5,garbage')).toBeGreaterThan(0);
    expect(share('hang')).toBe(0);
  });

  it('is refused with a scenario that is none, or with no weight', () => {
    expect(() => new Mix({ ...settings, scenarios: { boom: 1 } }, reader)).toThrow('boom');
    expect(() => new Mix({ ...settings, scenarios: { approve: 0 } }, reader)).toThrow('weight');
    expect(() => new Mix({ ...settings, scenarios: {} }, reader)).toThrow('weight');
  });
});
