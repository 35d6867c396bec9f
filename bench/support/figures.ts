import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** A line of a bench's table. */
export interface Figure {
  readonly what: string;
  readonly figure: string;
  /** Such as `>= 5x`; '' = nothing was promised. */
  readonly target: string;
  /** Undefined where there is no target. */
  readonly isMet?: boolean;
}

const README = new URL('../README.md', import.meta.url);

/**
 * Prints the table and, where the run is the one to be quoted (`npm run bench -- NAME --write`), puts it into
 * bench/README.md between the two lines that bear the bench's name. `note`: what a reader must know about the run.
 * True when every target was met.
 */
export function tellFigures(name: string, figures: readonly Figure[], note = ''): boolean {
  const text = table(figures);
  console.log(`\n${text}${note === '' ? '' : `\n\n${note}`}`);
  if (process.env.BENCH_WRITE === '1') {
    const day = new Date().toISOString().slice(0, 10);
    const head = `\`npm run bench -- ${name}\`, ${day}, ${machine()}.${note === '' ? '' : ` ${note}`}`;
    writeFileSync(README, withTable(readFileSync(README, 'utf8'), name, `${head}\n\n${text}`));
  }
  return figures.every(({ isMet }) => isMet !== false);
}

/** The page with what stands between `<!-- figures NAME -->` and `<!-- end NAME -->` replaced. */
export function withTable(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- figures ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`bench/README.md has no place for the figures of ${name}`);
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}

export function table(figures: readonly Figure[]): string {
  const lines = figures.map(
    ({ figure, isMet, target, what }) =>
      `| ${what} | ${figure}${isMet === false ? ': **missed**' : ''} | ${target} |`,
  );
  return ['| what | figure | target |', '|---|---|---|', ...lines].join('\n');
}

/** The middle one; of an even number the mean of the two. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[(sorted.length - 1) >> 1],
    sorted[sorted.length >> 1],
  ];
  // Infinity twice has no difference.
  return low === high ? low : (low + high) / 2;
}

function machine(): string {
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${memoryGiB} GiB, Node ${process.versions.node}`;
}
