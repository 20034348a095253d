import { isUtf8 } from 'node:buffer';
import type { DeadLetter, DeadLetterDetail, DeadLetterResolution } from '@mini-pg/messaging';
import { type Column, tableLines } from './table.ts';

const HEADINGS = ['id', 'status', 'group', 'from', 'first seen', 'event id', 'reason'];
const COLUMNS: readonly Column[] = HEADINGS.map((heading) => ({ heading, align: 'left' }));
const REASON_LENGTH_MAX = 80;
const LABEL_WIDTH = 14;
const UNKNOWN = '-';

/** Letters as a table; `from` is the partition and the offset on their topic. */
export function listLines(letters: readonly DeadLetter[]): string[] {
  if (letters.length === 0) return ['No dead letters.'];
  const rows = letters.map((letter) =>
    [
      letter.id,
      letter.status,
      letter.group ?? UNKNOWN,
      `${letter.partition ?? UNKNOWN}/${letter.offset ?? UNKNOWN}`,
      letter.firstSeen ?? UNKNOWN,
      letter.eventId ?? UNKNOWN,
      shortened(letter.reason ?? UNKNOWN),
    ].map(printable),
  );
  return tableLines(COLUMNS, rows);
}

/** Everything that is known of a letter. */
export function detailLines(letter: DeadLetterDetail): string[] {
  const { partition, offset } = letter;
  const facts = {
    letter: letter.id,
    status: letter.status,
    from: `${letter.topic}, partition ${partition ?? UNKNOWN}, offset ${offset ?? UNKNOWN}`,
    group: letter.group,
    reason: letter.reason,
    attempts: letter.attempts === null ? null : String(letter.attempts),
    'first seen': letter.firstSeen,
    'event id': letter.eventId,
    key: letter.key,
    'replayed from': letter.replayedFrom,
    'came back as': letter.cameBackAs.map(({ id, group }) => `${id} (${group})`).join(', ') || null,
    'read today': letter.unreadable ?? 'as an event of its topic',
  };
  return [
    ...Object.entries(facts).flatMap(([label, text]) => (text === null ? [] : [row(label, text)])),
    '',
    'history',
    ...(letter.history.length === 0 ? ['  none'] : letter.history.map(resolutionLine)),
    '',
    'headers',
    ...Object.entries(letter.headers).map(([name, text]) => `  ${name}: ${text}`),
    '',
    'value',
    ...valueLines(letter),
  ].map(printable);
}

/** A letter with its content as a program reads it: JSON where the value is JSON, else text. */
export function detailJson({ value, ...letter }: DeadLetterDetail): object {
  const text = textOf(value);
  return { ...letter, value: jsonOf(text) ?? text };
}

export function resolutionLine({ resolution, by, reason, at }: DeadLetterResolution): string {
  return `  ${at}  ${resolution} by ${by}: ${reason}`;
}

/** A message may hold what commands a terminal; it is shown and not obeyed. */
export function printable(text: string): string {
  return [...text]
    .map((character) => (isControl(character) ? escaped(character) : character))
    .join('');
}

function isControl(character: string): boolean {
  return /\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u.test(character);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)} ${text}`;
}

function shortened(text: string): string {
  return text.length <= REASON_LENGTH_MAX ? text : `${text.slice(0, REASON_LENGTH_MAX - 3)}...`;
}

function valueLines({ value, valueOmitted, partition, offset }: DeadLetterDetail): string[] {
  if (valueOmitted) {
    return [
      `  too large to be kept: it is at partition ${partition}, offset ${offset} of the topic`,
    ];
  }
  if (value.length === 0) return ['  empty'];
  const text = textOf(value);
  const json = jsonOf(text);
  const lines = (json === undefined ? text : JSON.stringify(json, null, 2)).split('\n');
  return lines.map((line) => `  ${line}`);
}

function textOf(value: Buffer): string {
  return isUtf8(value) ? value.toString('utf8') : `base64:${value.toString('base64')}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
