/** What was wanted and what was found; prints itself, and remembers what was missed. */
export class Targets {
  readonly missed: string[] = [];

  /** `found` must be at most `limit`. */
  atMost(what: string, found: number, limit: number, show: (value: number) => string = String): void {
    this.#tell(what, show(found), `<= ${show(limit)}`, found <= limit);
  }

  atLeast(what: string, found: number, limit: number, show: (value: number) => string = String): void {
    this.#tell(what, show(found), `>= ${show(limit)}`, found >= limit);
  }

  #tell(what: string, found: string, wanted: string, isMet: boolean): void {
    console.log(`  ${isMet ? 'ok    ' : 'MISSED'} ${what}: ${found} (wanted ${wanted})`);
    if (!isMet) this.missed.push(`${what}: ${found}, wanted ${wanted}`);
  }
}

export const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
export const minutes = (seconds: number): string =>
  Number.isFinite(seconds) ? `${(seconds / 60).toFixed(1)} min` : 'never';
export const times = (value: number): string => `${value.toFixed(2)}x`;
export const whole = (value: number): string => value.toFixed(0);

/** Cells one under the other; the first column to the left, the others to the right. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    );
    console.log(cells.join('  ').trimEnd());
  }
}
