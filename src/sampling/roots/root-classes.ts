import { type Classes, NO_CLASSES } from './root-row.ts';

/** In place of a class: the root has none. */
export const NO_CLASS = 0xffff;

/**
 * The classes of the roots of a block, noted one root after the other and counted per entry at the end: no map
 * and no array per entry while the spans are looked at.
 */
export class RootClasses {
  #entry = new Uint32Array(1024);
  #variate = new Uint16Array(1024);
  #duration = new Uint16Array(1024);
  #roots = 0;

  reset(): void {
    this.#roots = 0;
  }

  add(entry: number, variate: number, duration: number): void {
    const i = this.#roots++;
    if (i === this.#entry.length) this.#grow();
    this.#entry[i] = entry;
    this.#variate[i] = variate;
    this.#duration[i] = duration;
  }

  /** Per entry of [0, entries), its classes; `entryOf[e]` is the entry that counts for e. */
  count(entries: number, entryOf: Uint32Array): readonly EntryClasses[] {
    const order = this.#byEntry(entries, entryOf);
    const counter = new ClassCounter();
    const counted: EntryClasses[] = [];
    let from = 0;
    for (let entry = 0; entry < entries; entry++) {
      let to = from;
      while (to < order.length && entryOf[this.#entry[order[to] as number] as number] === entry) to++;
      const roots = order.subarray(from, to);
      counted.push({
        variates: counter.count(this.#variate, roots),
        durations: counter.count(this.#duration, roots),
      });
      from = to;
    }
    return counted;
  }

  /** The roots' numbers, ordered by the entry that counts them. */
  #byEntry(entries: number, entryOf: Uint32Array): Uint32Array {
    const next = new Uint32Array(entries + 1);
    for (let i = 0; i < this.#roots; i++) {
      const entry = entryOf[this.#entry[i] as number] as number;
      next[entry + 1] = (next[entry + 1] as number) + 1;
    }
    for (let e = 0; e < entries; e++) next[e + 1] = (next[e + 1] as number) + (next[e] as number);
    const order = new Uint32Array(this.#roots);
    for (let i = 0; i < this.#roots; i++) {
      const entry = entryOf[this.#entry[i] as number] as number;
      const at = next[entry] as number;
      next[entry] = at + 1;
      order[at] = i;
    }
    return order;
  }

  #grow(): void {
    const length = this.#entry.length * 2;
    const [entry, variate, duration] = [this.#entry, this.#variate, this.#duration];
    this.#entry = new Uint32Array(length);
    this.#entry.set(entry);
    this.#variate = new Uint16Array(length);
    this.#variate.set(variate);
    this.#duration = new Uint16Array(length);
    this.#duration.set(duration);
  }
}

export interface EntryClasses {
  readonly variates: Classes;
  readonly durations: Classes;
}

/** Classes are below this. */
const MAX_CLASSES = 1024;

class ClassCounter {
  readonly #counts = new Uint32Array(MAX_CLASSES);

  count(column: Uint16Array, roots: Uint32Array): Classes {
    const all = this.#counts;
    let [least, most] = [MAX_CLASSES, -1];
    for (let i = 0; i < roots.length; i++) {
      const found = column[roots[i] as number] as number;
      if (found === NO_CLASS) continue;
      all[found] = (all[found] as number) + 1;
      if (found < least) least = found;
      if (found > most) most = found;
    }
    if (most < 0) return NO_CLASSES;
    const classes: number[] = [];
    const counts: number[] = [];
    for (let c = least; c <= most; c++) {
      if (all[c] === 0) continue;
      classes.push(c);
      counts.push(all[c] as number);
      all[c] = 0;
    }
    return { classes, counts };
  }
}
