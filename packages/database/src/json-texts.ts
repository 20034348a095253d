/**
 * Between two texts: as a control character it is escaped within every JSON text (RFC 8259, section
 * 7; RFC 7464).
 */
const SEPARATOR = '\u001e';

/**
 * Many JSON texts, or nulls, as one parameter of a statement, which `jsonTextsOf` takes apart. An
 * array would have every quote of every text escaped, and the statement would undo that.
 */
export function joinJsonTexts(texts: readonly (string | null)[]): string {
  return texts.map((text) => text ?? '').join(SEPARATOR);
}

/** The `text[]` that a parameter made by `joinJsonTexts` stands for: `jsonTextsOf('$1')`. */
export function jsonTextsOf(parameter: string): string {
  return `string_to_array(${parameter}::text, E'\\x1e', '')`;
}
