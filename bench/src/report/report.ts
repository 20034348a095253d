/** What a bench found, before it is a page. */
export interface Report {
  /** Paragraphs: what was measured and how, then what it says. */
  readonly summary: readonly string[];
  readonly expectations: readonly Expectation[];
  readonly sections: readonly Section[];
  /** The figures by which one commit is compared with another. */
  readonly measures?: readonly Measure[];
  /** How often it was measured, when that is not as asked for. */
  readonly rounds?: number;
  /** What stands beside the page, such as pictures. */
  readonly files?: readonly { readonly name: string; readonly content: string }[];
}

/** A goal that was set before, and what came of it. A bench does not fail by it. */
export interface Expectation {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** A figure of one commit. `what` has its unit. */
export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly better: 'higher' | 'lower';
}

export interface Section {
  readonly heading: string;
  readonly text?: readonly string[];
  readonly table?: Table;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}
