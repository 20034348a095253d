import { describe, expect, it } from 'vitest';
import { createAdmission } from './admission.ts';

function bounded(options: { rowsMax?: number; ageMaxMs?: number } = {}) {
  const clock = { ms: 0 };
  const { rowsMax = 10, ageMaxMs = 1_000 } = options;
  return { clock, admission: createAdmission({ rowsMax, ageMaxMs, nowMs: () => clock.ms }) };
}

describe('the admission to a queue', () => {
  it('refuses nobody while nobody waits, however long', () => {
    const { admission, clock } = bounded();
    clock.ms = 1_000_000;
    expect(admission.refusal()).toBeNull();
  });

  it('refuses as long as all places are taken', () => {
    const { admission } = bounded({ rowsMax: 2 });
    const [first] = [admission.enter(), admission.enter()];
    expect(admission.refusal()).toBe('queue-full');
    first?.leave();
    expect(admission.refusal()).toBeNull();
  });

  it('refuses once the oldest has waited half of the bound, until it has left', () => {
    const { admission, clock } = bounded();
    const oldest = admission.enter();
    clock.ms = 300;
    const next = admission.enter();
    clock.ms = 499;
    expect(admission.refusal()).toBeNull();
    clock.ms = 500;
    expect(admission.refusal()).toBe('queue-age');
    oldest.leave();
    expect(admission.refusal()).toBeNull();
    clock.ms = 800;
    expect(admission.refusal()).toBe('queue-age');
    next.leave();
    expect(admission.refusal()).toBeNull();
  });

  it('knows the oldest when others leave before it', () => {
    const { admission, clock } = bounded();
    const places = [0, 100, 200, 300].map((ms) => {
      clock.ms = ms;
      return admission.enter();
    });
    places[1]?.leave();
    places[3]?.leave();
    clock.ms = 500;
    expect(admission.refusal()).toBe('queue-age');
    places[0]?.leave();
    expect(admission.refusal()).toBeNull();
    clock.ms = 700;
    expect(admission.refusal()).toBe('queue-age');
    places[2]?.leave();
    expect(admission.refusal()).toBeNull();
  });

  it('tells who has waited for too long, the same every time, and counts them once', () => {
    const { admission, clock } = bounded({ rowsMax: 2 });
    const [late, other] = [admission.enter(), admission.enter()];
    clock.ms = 999;
    expect(other?.leave()).toBe(true);
    clock.ms = 1_000;
    expect([late?.leave(), late?.leave(), other?.leave()]).toEqual([false, false, true]);
    admission.enter();
    expect(admission.refusal()).toBeNull();
    admission.enter();
    expect(admission.refusal()).toBe('queue-full');
  });

  it('counts what was waited before', () => {
    const { admission, clock } = bounded();
    const before = admission.enter();
    clock.ms = 300;
    const { waitedMs } = before;
    before.leave();
    clock.ms = 10_000;
    const place = admission.enter(waitedMs);
    clock.ms = 10_200;
    expect([waitedMs, place.waitedMs, admission.refusal()]).toEqual([300, 500, 'queue-age']);
    clock.ms = 10_700;
    expect(place.leave()).toBe(false);
  });
});
