import { describe, expect, it } from 'vitest';
import { type ResponseHead, ResponseParser } from './response-parser.ts';

const FIRST =
  'HTTP/1.1 202 Accepted\r\nlocation: /api/v1/payments/1\r\ncontent-type: application/json\r\n' +
  'content-length: 11\r\nDate: now\r\n\r\n{"a":"\r\n\r"}';
const SECOND = 'HTTP/1.1 202 Accepted\r\nIdempotent-Replayed: true\r\nContent-Length: 2\r\n\r\n{}';
const EMPTY = 'HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n';
const BROKEN = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
const REFUSED = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\ncontent-length: 0\r\n\r\n';

function parse(pieces: readonly string[]): ResponseHead[] {
  const heads: ResponseHead[] = [];
  const parser = new ResponseParser((head) => heads.push(head));
  for (const piece of pieces) parser.push(Buffer.from(piece, 'latin1'));
  return heads;
}

describe('the parser of answers', () => {
  const all = FIRST + SECOND + EMPTY + BROKEN + REFUSED + FIRST;
  const expected = [
    { status: 202, isReplay: false, isRepeatable: false },
    { status: 202, isReplay: true, isRepeatable: false },
    { status: 204, isReplay: false, isRepeatable: false },
    { status: 503, isReplay: false, isRepeatable: false },
    { status: 503, isReplay: false, isRepeatable: true },
    { status: 202, isReplay: false, isRepeatable: false },
  ];

  it('reads answers that come together', () => {
    expect(parse([all])).toEqual(expected);
  });

  it('reads answers that come in pieces, wherever they are cut', () => {
    for (let at = 1; at < all.length; at += 1) {
      expect(parse([all.slice(0, at), all.slice(at)])).toEqual(expected);
    }
  });

  it('reads answers that come byte by byte', () => {
    expect(parse([...all])).toEqual(expected);
  });

  it('tells of an answer only when its body is there', () => {
    expect(parse([FIRST.slice(0, -1)])).toEqual([]);
  });

  it('keeps nothing of a buffer that is used again', () => {
    const heads: ResponseHead[] = [];
    const parser = new ResponseParser((head) => heads.push(head));
    const buffer = Buffer.alloc(64);
    for (let at = 0; at < all.length; at += buffer.length) {
      const length = buffer.write(all.slice(at, at + buffer.length), 'latin1');
      parser.push(buffer.subarray(0, length));
      buffer.fill(0);
    }
    expect(heads).toEqual(expected);
  });

  it('refuses an answer of unknown length', () => {
    expect(() => parse(['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'])).toThrow(
      /content-length/,
    );
  });
});
