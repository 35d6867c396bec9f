export interface PlotOptions {
  /** Characters; each is two columns and four rows of dots. */
  readonly width: number;
  readonly height: number;
  /** A logarithmic scale over the values above 0. */
  readonly logarithmic?: boolean;
  /** A dotted line there. */
  readonly line?: number;
}

const BLANK = 0x2800;
/** Bit of a dot by column and row. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Lines of text: the values from left to right, with the scale at the left. Columns hold the mean of their values. */
export function braillePlot(values: Float64Array, options: PlotOptions): string[] {
  const { width, height, logarithmic = false, line } = options;
  const columns = width * 2;
  const means = resampled(values, columns);
  const shown = [...means, ...(line === undefined ? [] : [line])].filter((v) => !logarithmic || v > 0);
  const top = Math.max(...shown, Number.MIN_VALUE);
  const bottom = logarithmic ? Math.min(...shown, top) : 0;
  const rows = height * 4;
  const rowOf = (value: number): number => {
    if (logarithmic && value <= 0) return 0;
    const share = logarithmic
      ? (Math.log(value) - Math.log(bottom)) / (Math.log(top) - Math.log(bottom) || 1)
      : value / top;
    return Math.round(Math.min(1, Math.max(0, share)) * (rows - 1));
  };
  const cells = Array.from({ length: height }, () => new Uint8Array(width));
  const dot = (column: number, row: number): void => {
    const y = rows - 1 - row;
    const cell = cells[Math.floor(y / 4)] as Uint8Array;
    const x = Math.floor(column / 2);
    cell[x] = (cell[x] as number) | ((DOTS[column % 2] as readonly number[])[y % 4] as number);
  };
  let before: number | undefined;
  for (const [column, value] of means.entries()) {
    const row = rowOf(value);
    // Steps are drawn through.
    const from = before === undefined ? row : Math.min(row, before);
    for (let y = from; y <= Math.max(row, before ?? row); y++) dot(column, y);
    if (line !== undefined && column % 4 === 0) dot(column, rowOf(line));
    before = row;
  }
  const labels = [label(top), label(bottom)];
  const margin = Math.max(...labels.map((text) => text.length));
  return cells.map((cell, y) => {
    const text = y === 0 ? labels[0] : y === height - 1 ? labels[1] : '';
    return `${(text ?? '').padStart(margin)} ${String.fromCodePoint(...[...cell].map((bits) => BLANK + bits))}`;
  });
}

function label(value: number): string {
  return value === 0 ? '0' : value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

/** `length` means of equal parts. */
export function resampled(values: Float64Array, length: number): Float64Array {
  const means = new Float64Array(Math.min(length, values.length));
  for (let i = 0; i < means.length; i++) {
    const from = Math.floor((i * values.length) / means.length);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / means.length));
    let sum = 0;
    for (let k = from; k < to; k++) sum += values[k] as number;
    means[i] = sum / (to - from);
  }
  return means;
}
