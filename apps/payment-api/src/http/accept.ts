/**
 * The media type to answer with: of those offered the one with the highest quality in `Accept`,
 * the earlier one when they are equal; null when none is acceptable (RFC 9110, 12.5.1).
 */
export function negotiate<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
): Type | null {
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').flatMap(parseRange);
  let best: { type: Type; quality: number } | null = null;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > (best?.quality ?? 0)) best = { type, quality };
  }
  return best?.type ?? null;
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

const RANGE = /^\s*([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)\s*(;.*)?$/i;
const QUALITY = /;\s*q=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)/i;

/** A range that cannot be read counts as not sent. */
function parseRange(text: string): Range[] {
  const match = RANGE.exec(text);
  if (match?.[1] === undefined) return [];
  const parameters = match[2] ?? '';
  if (!/;\s*q=/i.test(parameters)) return [{ type: match[1].toLowerCase(), quality: 1 }];
  const quality = QUALITY.exec(parameters)?.[1];
  return quality === undefined ? [] : [{ type: match[1].toLowerCase(), quality: Number(quality) }];
}

/** The quality that the most specific range gives a type; 0 when none covers it. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const group = `${type.split('/', 1)[0]}/*`;
  for (const wanted of [type, group, '*/*']) {
    const found = ranges.filter((range) => range.type === wanted);
    if (found.length > 0) return Math.max(...found.map((range) => range.quality));
  }
  return 0;
}
