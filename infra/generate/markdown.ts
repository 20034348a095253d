/** A table of Markdown. Line breaks and bars in a cell are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map(cellOf).join(' | ')} |`).join('\n');
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** A Mermaid diagram, which GitHub and most viewers of Markdown draw. */
export function mermaid(lines: readonly string[]): string {
  return ['```mermaid', ...lines, '```'].join('\n');
}

/** A page that says where it comes from, so that nobody corrects it by hand. */
export function page(source: string, blocks: readonly string[]): string {
  const notice = `<!-- Made by \`npm run generate\` from ${source}. Change that, then run it again. -->`;
  return `${[notice, ...blocks].join('\n\n')}\n`;
}

function cellOf(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}
