/** Columns as wide as their widest cell; cells that are numbers stand to the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const isNumber = head.map((_, i) => rows.every((row) => /^[\d,]*$/.test(row[i] ?? '')));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    line(widths.map((width, i) => (head[i] === '' ? '' : '-'.repeat(width)))),
    ...rows.map(line),
  ];
}
