import { describe, expect, it } from 'vitest';
import { fillSections } from './sections.ts';

const PAGE =
  'before\n<!-- generated: a -->\nold\n<!-- end -->\nbetween\n<!-- generated: b -->\n<!-- end -->\n';

describe('a page with parts that are generated', () => {
  it('gets these anew, and keeps what is around them', () => {
    expect(fillSections(PAGE, { a: 'A', b: 'B' })).toBe(
      'before\n<!-- generated: a -->\n\nA\n\n<!-- end -->\nbetween\n<!-- generated: b -->\n\nB\n\n<!-- end -->\n',
    );
  });

  it('stays as it is when it is filled again', () => {
    const filled = fillSections(PAGE, { a: 'A', b: 'B' });
    expect(fillSections(filled, { a: 'A', b: 'B' })).toBe(filled);
  });

  it('takes what it is given literally', () => {
    expect(fillSections(PAGE, { a: '$1 $&', b: '' })).toContain('\n$1 $&\n');
  });

  it('is refused when it lacks a part', () => {
    expect(() => fillSections(PAGE, { a: '', b: '', c: '' })).toThrow(
      'the page has no <!-- generated: c -->',
    );
  });

  it('is refused when nobody makes one of its parts', () => {
    expect(() => fillSections(PAGE, { a: '' })).toThrow('nobody makes the part b of this page');
  });
});
