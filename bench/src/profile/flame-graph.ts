import type { Frame } from './cpu-profile.ts';

const WIDTH = 1_200;
const ROW_HEIGHT = 17;
const MARGIN = 10;
const TITLE_HEIGHT = 30;
const CHARACTER_WIDTH = 6.6;
/** Narrower frames cannot be seen and make the file large. */
const SHARE_MIN = 0.005;
const DEPTH_MAX = 80;

interface Box {
  readonly frame: Frame;
  readonly depth: number;
  readonly x: number;
  readonly width: number;
}

/** A profile as an SVG: wider is more time, what is called stands above its caller. */
export function flameGraph(root: Frame, title: string): string {
  const boxes = boxesOf(root);
  const depth = Math.max(...boxes.map((box) => box.depth)) + 1;
  const height = TITLE_HEIGHT + depth * ROW_HEIGHT + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
      `viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${MARGIN}" y="20" font-size="14">${escaped(title)}</text>`,
    ...boxes.map((box) => boxSvg(box, height, root.totalMicros)),
    '</svg>',
    '',
  ].join('\n');
}

function boxesOf(root: Frame): Box[] {
  const scale = (WIDTH - 2 * MARGIN) / root.totalMicros;
  const boxes: Box[] = [];
  const place = (frame: Frame, depth: number, x: number): void => {
    if (frame.totalMicros < root.totalMicros * SHARE_MIN || depth >= DEPTH_MAX) return;
    boxes.push({ frame, depth, x, width: frame.totalMicros * scale });
    let childX = x;
    for (const child of [...frame.children].sort((a, b) => b.totalMicros - a.totalMicros)) {
      place(child, depth + 1, childX);
      childX += child.totalMicros * scale;
    }
  };
  place(root, 0, MARGIN);
  return boxes;
}

function boxSvg({ frame, depth, x, width }: Box, height: number, total: number): string {
  const y = height - MARGIN - (depth + 1) * ROW_HEIGHT;
  const share = ((frame.totalMicros / total) * 100).toFixed(1);
  const label = frame.name.slice(0, Math.max(0, Math.floor((width - 4) / CHARACTER_WIDTH)));
  const text =
    label.length < 3
      ? ''
      : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`;
  return (
    `<g><title>${escaped(`${frame.name} (${frame.owner}) ${share} %`)}</title>` +
    `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 1}" ` +
    `fill="${colourOf(frame.owner)}"/>${text}</g>`
  );
}

/** Ours is warm, Node is cool, libraries in between. */
function colourOf(owner: string): string {
  if (owner.startsWith('mini-pg/')) return '#f4a259';
  if (owner === 'garbage collector') return '#d65f5f';
  return owner.startsWith('node') ? '#a9c4de' : '#f4d58d';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
