import { figure, number } from '../report/figures.ts';
import type { Report } from '../report/report.ts';

export const BASE_IMAGE = 'node:24-bookworm-slim';

const MEGABYTE = 1e6;
const SHOWN_LENGTH = 60;

/** Something in an image, and the room that it takes. */
export interface Part {
  readonly what: string;
  readonly bytes: number;
}

export interface ImageFacts {
  readonly name: string;
  readonly bytes: number;
  /** Those on top of the base, the lowest first. */
  readonly layers: readonly Part[];
  readonly parts: readonly Part[];
}

export function reportOf(
  baseBytes: number,
  images: readonly ImageFacts[],
  coldStarts: ReadonlyMap<string, readonly number[]>,
): Report {
  return {
    summary: [
      `The images of \`infra/images/Dockerfile\` on \`${BASE_IMAGE}\`, as Docker counts them: ` +
        'uncompressed, in MB. All share the base and the layers below their own files, which a ' +
        'machine has once. The base is what this machine has by that name; its id stands below.',
      'A cold start is the time from `docker start` of a stopped container, in a system that is ' +
        'up, to the first 200 of `/health/ready` as a client on this machine sees it: Docker, Node, ' +
        'the code, connections to Postgres, Redis and Kafka. Files may be in the page cache.',
    ],
    expectations: [],
    sections: [sizes(baseBytes, images), starts(coldStarts), parts(images), layers(images)],
  };
}

function sizes(baseBytes: number, images: readonly ImageFacts[]) {
  return {
    heading: 'Size in MB',
    table: {
      columns: ['Image', 'whole', 'of it the base', 'on top of it'],
      rows: images.map(({ name, bytes }) => [
        name,
        megabytes(bytes),
        megabytes(baseBytes),
        megabytes(bytes - baseBytes),
      ]),
    },
  };
}

function starts(coldStarts: ReadonlyMap<string, readonly number[]>) {
  return {
    heading: 'Cold start in ms',
    table: {
      columns: ['Service', 'until /health/ready'],
      rows: [...coldStarts].map(([service, times]) => [service, figure(times)]),
    },
  };
}

function parts(images: readonly ImageFacts[]) {
  const names = images[0]?.parts.map(({ what }) => what) ?? [];
  return {
    heading: 'What is on top, in MB',
    text: ['Room on the disk, by blocks of the file system: small files take more than they hold.'],
    table: {
      columns: ['Image', ...names],
      rows: images.map((image) => [
        image.name,
        ...image.parts.map(({ bytes }) => megabytes(bytes)),
      ]),
    },
  };
}

function layers(images: readonly ImageFacts[]) {
  return {
    heading: 'Layers on top of the base, in MB',
    table: {
      columns: ['Image', 'Layer', 'size'],
      rows: images.flatMap(({ name, layers: own }) =>
        own.map(({ what, bytes }) => [name, `\`${shorten(what)}\``, megabytes(bytes)]),
      ),
    },
  };
}

/** One line that a table takes. */
function shorten(command: string): string {
  const line = command.replace(/\s+/g, ' ').replaceAll('|', '/').replace(' # buildkit', '');
  return line.length > SHOWN_LENGTH ? `${line.slice(0, SHOWN_LENGTH)} ...` : line;
}

function megabytes(bytes: number): string {
  return number(bytes / MEGABYTE);
}
