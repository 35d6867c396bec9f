import { OVERFLOW_WORD } from '../span/dictionary.ts';
import { Interner } from '../span/interner.ts';
import { type BlockRows, NUMBERS, ROW_KEY } from './block-rows.ts';
import type { BlockWords } from './block-words.ts';
import type { DimensionReader } from './dimension-reader.ts';

/** How much one block may tell apart; 0 = no limit. */
export interface BlockLimits {
  /** Span names of one service. */
  readonly namesPerService: number;
  /** Values of one dimension. */
  readonly valuesPerDimension: number;
  /** Series of one service, and of all. */
  readonly seriesPerService: number;
  readonly series: number;
}

export const DEFAULT_BLOCK_LIMITS: BlockLimits = {
  namesPerService: 1000,
  valuesPerDimension: 1000,
  seriesPerService: 10_000,
  series: 100_000,
};

/** Spans of a block that lost a label because it had too many values. */
export interface FoldedLabel {
  /** '' for a dimension, of which values are counted over all services. */
  readonly service: string;
  /** `span.name`, a dimension's name, or `series` where the combination was too much. */
  readonly label: string;
  readonly spans: number;
}

/** Row to row that it is folded into, and the keys of those that are left. */
export interface Folding {
  readonly target: Uint32Array;
  readonly keys: Uint32Array<ArrayBuffer>;
  readonly labels: readonly FoldedLabel[];
}

const ONE = '';

/**
 * Says which rows of a block are told apart, by that block alone: where there are more values than the limit allows,
 * those stay that have more than 1/limit of the spans, of which there can't be more than the limit. So what many ask
 * for is kept, and of a name that never comes again nothing is left but its count, in a row of its service, kind and
 * status.
 */
export class BlockGuard {
  readonly #limits: BlockLimits;
  readonly #words: BlockWords;
  readonly #reader: DimensionReader | undefined;
  readonly #dimensions: readonly string[];
  readonly #least: number;

  constructor(
    limits: BlockLimits,
    words: BlockWords,
    reader: DimensionReader | undefined,
    dimensions: readonly string[],
  ) {
    this.#limits = limits;
    this.#words = words;
    this.#reader = reader;
    this.#dimensions = dimensions;
    const wanted = Object.values(limits).filter((limit: number) => limit > 0);
    this.#least = Math.min(...wanted, Number.POSITIVE_INFINITY);
  }

  /** Undefined when everything may be told apart, as in nearly every block. */
  judge(rows: BlockRows): Folding | undefined {
    if (rows.rows <= this.#least) return undefined;
    const judged = new JudgedRows(rows, this.#words);
    const { namesPerService, series, seriesPerService, valuesPerDimension } = this.#limits;
    judged.limit({
      limit: namesPerService,
      label: 'span.name',
      groupOf: (row) => judged.serviceOf(row),
      wordOf: (row) => judged.nameOf(row),
      fold: (row) => judged.foldWhole(row),
    });
    this.#dimensions.forEach((label, d) => {
      const only = new Set([d]);
      judged.limit({
        limit: valuesPerDimension,
        label,
        groupOf: () => ONE,
        wordOf: (row) => this.#reader?.valuesOf(judged.tupleOf(row))[d] ?? null,
        fold: (row) => {
          const tuple = this.#reader?.replaced(judged.tupleOf(row), only, OVERFLOW_WORD);
          if (tuple !== undefined) judged.setTuple(row, tuple);
        },
      });
    });
    for (const [limit, groupOf] of [
      [seriesPerService, (row: number): string => judged.serviceOf(row)],
      [series, (): string => ONE],
    ] as const) {
      judged.limit({
        limit,
        label: 'series',
        groupOf,
        wordOf: (row) => judged.seriesOf(row),
        fold: (row) => judged.foldWhole(row),
      });
    }
    return judged.folding();
  }
}

interface Rule {
  readonly limit: number;
  readonly label: string;
  readonly groupOf: (row: number) => string;
  /** Rows that are of all that had no room have none. */
  readonly wordOf: (row: number) => string | number | null;
  readonly fold: (row: number) => void;
}

interface Group {
  spans: number;
  readonly values: Map<string | number, number>;
}

/** The rows of a block with keys that can be changed. */
class JudgedRows {
  readonly #rows: BlockRows;
  readonly #words: BlockWords;
  readonly #keys: Uint32Array;
  /** The first identity of a service stands for it. */
  readonly #identityOf = new Map<string, number>();
  readonly #labels: FoldedLabel[] = [];

  constructor(rows: BlockRows, words: BlockWords) {
    this.#rows = rows;
    this.#words = words;
    this.#keys = rows.keys.slice(0, rows.rows * ROW_KEY);
    for (let row = 0; row < rows.rows; row++) {
      const service = this.serviceOf(row);
      if (!this.#identityOf.has(service)) this.#identityOf.set(service, this.#at(row, 0));
    }
  }

  serviceOf(row: number): string {
    return this.#words.identityOf(this.#at(row, 0)).service ?? '';
  }

  nameOf(row: number): number | null {
    return this.#isWhole(row) ? null : this.#at(row, 1) >>> 5;
  }

  tupleOf(row: number): number {
    return this.#at(row, 2);
  }

  setTuple(row: number, tuple: number): void {
    this.#keys[row * ROW_KEY + 2] = tuple;
  }

  /** The windows of a series are one. */
  seriesOf(row: number): string | null {
    return this.#isWhole(row) ? null : `${this.#at(row, 0)} ${this.#at(row, 1)} ${this.#at(row, 2)}`;
  }

  /** Nothing is told apart but service, kind and status. */
  foldWhole(row: number): void {
    const at = row * ROW_KEY;
    this.#keys[at] = this.#identityOf.get(this.serviceOf(row)) as number;
    this.#keys[at + 1] = (Interner.OVERFLOW << 5) | (this.#at(row, 1) & 31);
    this.#keys[at + 2] = Interner.OVERFLOW;
  }

  limit({ limit, label, groupOf, wordOf, fold }: Rule): void {
    const { rows } = this.#rows;
    if (limit === 0 || rows <= limit) return;
    const groups = new Map<string, Group>();
    for (let row = 0; row < rows; row++) {
      const value = wordOf(row);
      if (value === null) continue;
      const name = groupOf(row);
      const group = groups.get(name) ?? { spans: 0, values: new Map<string | number, number>() };
      groups.set(name, group);
      const spans = this.#spans(row);
      group.spans += spans;
      group.values.set(value, (group.values.get(value) ?? 0) + spans);
    }
    for (const [name, { values }] of groups) if (values.size <= limit) groups.delete(name);
    if (groups.size === 0) return;
    const folded = new Map<string, number>();
    for (let row = 0; row < rows; row++) {
      const value = wordOf(row);
      const group = value === null ? undefined : groups.get(groupOf(row));
      if (value === null || group === undefined) continue;
      if ((group.values.get(value) as number) * limit > group.spans) continue;
      const service = groupOf(row);
      folded.set(service, (folded.get(service) ?? 0) + this.#spans(row));
      fold(row);
    }
    for (const [service, spans] of folded) this.#labels.push({ service, label, spans });
  }

  folding(): Folding | undefined {
    if (this.#labels.length === 0) return undefined;
    const { rows } = this.#rows;
    const target = new Uint32Array(rows);
    const keys = new Uint32Array(rows * ROW_KEY);
    const known = new Map<string, number>();
    for (let row = 0; row < rows; row++) {
      const own = this.#keys.subarray(row * ROW_KEY, (row + 1) * ROW_KEY);
      const name = own.join();
      let to = known.get(name);
      if (to === undefined) {
        to = known.size;
        known.set(name, to);
        keys.set(own, to * ROW_KEY);
      }
      target[row] = to;
    }
    return { target, keys: keys.slice(0, known.size * ROW_KEY), labels: this.#labels };
  }

  #isWhole(row: number): boolean {
    return this.#at(row, 2) === Interner.OVERFLOW;
  }

  #at(row: number, part: number): number {
    return this.#keys[row * ROW_KEY + part] as number;
  }

  #spans(row: number): number {
    return this.#rows.numbers[row * NUMBERS] as number;
  }
}
