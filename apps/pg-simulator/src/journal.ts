import { closeSync, existsSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

const CHUNK_BYTES = 1_048_576;
const NEWLINE = 0x0a;

/** Takes lines; each is in the operating system's hands when `append` returns. */
export interface Journal {
  append(records: readonly object[]): void;
  close(): void;
}

export const MEMORY_JOURNAL: Journal = { append: () => {}, close: () => {} };

/**
 * Opens a file of JSON lines, gives every line to `replay` and appends from there on. The write is
 * synchronous: it costs microseconds and no answer can overtake it, so a killed simulator forgets
 * nothing that it told. A last line without its end was never answered for and is cut off.
 *
 * @throws Error when a line that is complete cannot be read: money would be missing.
 */
export function openJournal(path: string, replay: (record: unknown) => void): Journal {
  const end = existsSync(path) ? readLines(path, replay) : 0;
  const file = openSync(path, end === 0 ? 'w' : 'r+');
  ftruncateSync(file, end);
  let position = end;
  return {
    append(records) {
      const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
      const bytes = Buffer.from(text);
      let written = 0;
      while (written < bytes.length) {
        written += writeSync(file, bytes, written, bytes.length - written, position + written);
      }
      position += bytes.length;
    },
    close: () => closeSync(file),
  };
}

/** Replays all complete lines and returns where the last one ends. */
function readLines(path: string, replay: (record: unknown) => void): number {
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let end = 0;
  let line = 0;
  try {
    for (;;) {
      const size = readSync(file, chunk, 0, CHUNK_BYTES, null);
      if (size === 0) return end;
      let data = Buffer.concat([rest, chunk.subarray(0, size)]);
      for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE)) {
        line += 1;
        replay(parseLine(path, line, data.subarray(0, at)));
        end += at + 1;
        data = data.subarray(at + 1);
      }
      rest = data;
    }
  } finally {
    closeSync(file);
  }
}

function parseLine(path: string, line: number, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Error(`${path}, line ${line} is not JSON: restore the file or start with a new one`, {
      cause,
    });
  }
}
