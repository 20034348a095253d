const SECTION = /(<!-- generated: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g;

/**
 * A page written by hand, with the parts between `<!-- generated: name -->` and `<!-- end -->` made
 * anew.
 *
 * @throws Error when the page lacks a part or has one that nobody makes.
 */
export function fillSections(page: string, sections: Readonly<Record<string, string>>): string {
  const open = new Set(Object.keys(sections));
  const filled = page.replaceAll(SECTION, (_, begin: string, name: string, end: string) => {
    const content = sections[name];
    if (content === undefined) throw new Error(`nobody makes the part ${name} of this page`);
    open.delete(name);
    return `${begin}\n${content}\n\n${end}`;
  });
  if (open.size > 0) {
    throw new Error(
      `the page has no <!-- generated: ${[...open].join(' -->, <!-- generated: ')} -->`,
    );
  }
  return filled;
}
