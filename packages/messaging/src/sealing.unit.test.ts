import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealError, Sealer } from './sealing.ts';

const key = () => randomBytes(32);
const OLD = { kid: '2025', key: key() };
const NEW = { kid: '2026', key: key() };
const json = fc.jsonValue();
const aad = fc.string({ maxLength: 64 });

/** Flips one bit of a base64 text. */
function flip(text: string, position: number): string {
  const bytes = Buffer.from(text, 'base64');
  const index = position % bytes.length;
  bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << (position % 8)), index);
  return bytes.toString('base64');
}

describe('a sealed value', () => {
  it('opens with its key and owner, whatever it is', () => {
    const sealer = new Sealer([OLD]);
    fc.assert(
      fc.property(json, aad, (value, owner) => {
        const expected = JSON.parse(JSON.stringify(value));
        expect(sealer.open(sealer.seal(value, owner), owner)).toEqual(expected);
      }),
    );
  });

  it('does not open for another owner', () => {
    const sealer = new Sealer([OLD]);
    fc.assert(
      fc.property(json, aad, aad, (value, owner, other) => {
        fc.pre(Buffer.from(owner, 'utf8').compare(Buffer.from(other, 'utf8')) !== 0);
        const sealed = sealer.seal(value, owner);
        expect(() => sealer.open(sealed, other)).toThrow('belongs to another payment');
      }),
    );
  });

  it('does not open when one bit of it was changed', () => {
    const sealer = new Sealer([OLD]);
    fc.assert(
      fc.property(json, fc.nat(), fc.constantFrom('iv', 'ct'), (value, position, field) => {
        const sealed = sealer.seal(value, 'owner');
        const changed = { ...sealed, [field]: flip(sealed[field as 'iv' | 'ct'], position) };
        expect(() => sealer.open(changed, 'owner')).toThrow(SealError);
      }),
    );
  });

  it.each([
    ['a cut tag', { ct: 'AAAA' }],
    ['a cut iv', { iv: 'AAAA' }],
    ['no base64', { ct: '*' }],
    ['base64 with loose bits', { iv: 'AAAAAAAAAAAAAAAB=' }],
  ])('does not open with %s', (_, change) => {
    const sealer = new Sealer([OLD]);
    const sealed = { ...sealer.seal('x', 'owner'), ...change };
    expect(() => sealer.open(sealed, 'owner')).toThrow('malformed');
  });

  it('differs each time and holds nothing readable', () => {
    const sealer = new Sealer([OLD]);
    const [first, second] = [sealer.seal('secret', 'owner'), sealer.seal('secret', 'owner')];
    expect(first.iv).not.toBe(second.iv);
    expect(first.ct).not.toBe(second.ct);
    expect(Buffer.from(first.ct, 'base64').includes('secret')).toBe(false);
  });
});

describe('keys in rotation', () => {
  it('seal with the first and open with all', () => {
    const before = new Sealer([OLD]);
    const during = new Sealer([NEW, OLD]);
    expect(during.seal('x', 'owner').kid).toBe(NEW.kid);
    expect(during.open(before.seal('x', 'owner'), 'owner')).toBe('x');
  });

  it('name the key that is missing', () => {
    const after = new Sealer([NEW]);
    const sealed = new Sealer([OLD]).seal('x', 'owner');
    expect(() => after.open(sealed, 'owner')).toThrow('no seal key "2025": add it to SEAL_KEYS');
  });

  it('do not open what another key of the same name sealed', () => {
    const other = new Sealer([{ kid: OLD.kid, key: key() }]);
    const sealed = new Sealer([OLD]).seal('x', 'owner');
    expect(() => other.open(sealed, 'owner')).toThrow(SealError);
  });
});

describe('SEAL_KEYS', () => {
  const text = (kid: string, bytes: Buffer) => `${kid}:${bytes.toString('base64')}`;

  it('is a list of kid and key, the first of which seals', () => {
    const parsed = Sealer.parse(`${text('2026', NEW.key)}, ${text('2025', OLD.key)}`);
    expect(parsed.seal('x', 'owner').kid).toBe('2026');
    expect(parsed.open(new Sealer([OLD]).seal('x', 'owner'), 'owner')).toBe('x');
  });

  it.each([
    ['nothing', '', 'seal keys must be kid:base64of32bytes'],
    ['no kid', text('', OLD.key), 'seal keys must be kid:base64of32bytes'],
    ['a kid with a blank', text('a b', OLD.key), 'a kid must be'],
    ['a short key', text('a', randomBytes(16)), 'seal key a must be 32 bytes, not 16'],
    ['no base64', 'a:***', 'seal keys must be kid:base64of32bytes'],
    ['two keys of one name', `${text('a', OLD.key)},${text('a', NEW.key)}`, 'the same kid'],
  ])('with %s is refused, without showing a key', (_, value, message) => {
    const refusal = () => Sealer.parse(value);
    expect(refusal).toThrow(message);
    expect(refusal).not.toThrow(OLD.key.toString('base64'));
  });
});
