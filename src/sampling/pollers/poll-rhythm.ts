/**
 * What the times of polls from one address say about who polls there. Instances poll at a fixed interval, each at its
 * own phase: when k of them stand behind one address, the polls look k times as frequent, but each poll still
 * has one that came an interval earlier. So the smallest k is looked for such that the time between a
 * poll and the k-th before it is always the same: that time is the interval, and k the number of instances.
 * Two instances that happen to poll exactly in turn are told apart by their connections.
 */
export interface Rhythm {
  /** From one poll of an instance to its next; undefined until enough polls agree on it. */
  readonly intervalMs: number | undefined;
  /** The longest one of late. At least `intervalMs`; a guess on the long side while that is undefined. */
  readonly slowestMs: number | undefined;
  /** Instances behind the address, >= 1. */
  readonly instances: number;
}

const KEPT = 24;
const MAX_INSTANCES = 10;
/** As many times must agree before an interval is believed. */
const MIN_AGREEING = 4;
const AGREEING_SHARE = 0.75;
const TOLERANCE = 0.1;
const TOLERANCE_MS = 50;
/** How far back the slowest interval is looked for, at least. */
const RECENT_MS = 600_000;
/** A silence of so many intervals is an instance that went and another that came. */
const SILENT_INTERVALS = 4;
const CONNECTIONS = 8;
/** Rings of the last polls' times (from 0) and connections. */
const CONNECTION = KEPT;
/** The connections of the last polls, each once, and when it was last used: one that is kept open belongs to one instance. */
const OPEN = 2 * KEPT;
const OPEN_AT = OPEN + CONNECTIONS;

const sorted = new Float64Array(KEPT);

/** The last polls of one address. */
export class PollTimes {
  /** One array for all, since there are many of these: the places are told below. */
  readonly #kept = new Float64Array(2 * KEPT + 2 * CONNECTIONS);
  #count = 0;
  #longestGapMs = 0;
  #slowestOnOneMs = 0;
  #slowestOnOneBeforeMs = 0;
  #slowestSinceMs = 0;

  /** @param usualMs the interval of such clients, which tells a pause from an end */
  add(atMs: number, connection: number, usualMs: number): void {
    if (this.#count > 0) {
      const gapMs = atMs - this.#time(this.#count - 1);
      if (gapMs > SILENT_INTERVALS * Math.max(usualMs, this.#longestGapMs)) this.#forget();
      else if (gapMs > this.#longestGapMs) this.#longestGapMs = gapMs;
    }
    this.#kept[this.#count % KEPT] = atMs;
    this.#kept[CONNECTION + (this.#count % KEPT)] = connection;
    this.#count += 1;
    this.#addToConnection(atMs, connection);
  }

  /** Over how many the last polls came. */
  connections(): number {
    const kept = Math.min(this.#count, KEPT);
    return new Set(this.#kept.subarray(CONNECTION, CONNECTION + kept)).size;
  }

  rhythm(usualMs: number): Rhythm {
    const kept = Math.min(this.#count, KEPT);
    if (kept < 2) return { intervalMs: undefined, slowestMs: undefined, instances: 1 };
    const onOneMs = Math.min(usualMs, Math.max(this.#slowestOnOneMs, this.#slowestOnOneBeforeMs));
    const instances = this.#instances(kept);
    if (instances === undefined) return this.#irregular(kept, usualMs);
    const intervalMs = this.#medianLag(kept, instances);
    const nowMs = this.#time(this.#count - 1);
    const sinceMs = nowMs - Math.max(RECENT_MS, MIN_AGREEING * intervalMs);
    let slowestMs = Math.max(intervalMs, onOneMs);
    for (let i = this.#count - kept + instances; i < this.#count; i++) {
      const lagMs = this.#time(i) - this.#time(i - instances);
      if (this.#time(i) >= sinceMs && lagMs > slowestMs) slowestMs = lagMs;
    }
    return { intervalMs, slowestMs, instances };
  }

  /** No two agree (yet): the usual interval, or what was seen where that is longer, and as many as that makes. */
  #irregular(kept: number, usualMs: number): Rhythm {
    const spanMs = this.#time(this.#count - 1) - this.#time(this.#count - kept);
    const slowestMs = Math.max(usualMs, this.#longestGapMs);
    const instances = spanMs > 0 ? Math.max(1, Math.round(((kept - 1) / spanMs) * usualMs)) : 1;
    // A few polls in a row may be a start, or a person at a keyboard.
    return { intervalMs: undefined, slowestMs, instances: kept > MIN_AGREEING ? instances : 1 };
  }

  #instances(kept: number): number | undefined {
    let regular: number | undefined;
    for (let k = 1; k <= MAX_INSTANCES && kept - k >= MIN_AGREEING; k++) {
      if (!this.#isRegular(kept, k)) continue;
      if (this.#sharesConnections(kept, k)) return k;
      regular ??= k;
    }
    return regular;
  }

  #isRegular(kept: number, k: number): boolean {
    const medianMs = this.#medianLag(kept, k);
    const toleranceMs = Math.max(TOLERANCE * medianMs, TOLERANCE_MS);
    let agreeing = 0;
    for (let i = this.#count - kept + k; i < this.#count; i++) {
      if (Math.abs(this.#time(i) - this.#time(i - k) - medianMs) <= toleranceMs) agreeing += 1;
    }
    return agreeing >= AGREEING_SHARE * (kept - k);
  }

  /** Whether polls come over the connection of the k-th before them; also when none is used twice. */
  #sharesConnections(kept: number, k: number): boolean {
    const first = this.#count - kept;
    let same = 0;
    let reused = false;
    for (let i = first + 1; i < this.#count; i++) {
      if (i >= first + k && this.#on(i) === this.#on(i - k)) same += 1;
      for (let j = first; !reused && j < i; j++) reused = this.#on(i) === this.#on(j);
    }
    return !reused || same >= (kept - k) / 2;
  }

  #medianLag(kept: number, k: number): number {
    let size = 0;
    for (let i = this.#count - kept + k; i < this.#count; i++) {
      const lagMs = this.#time(i) - this.#time(i - k);
      let at = size;
      while (at > 0 && (sorted[at - 1] as number) > lagMs) {
        sorted[at] = sorted[at - 1] as number;
        at -= 1;
      }
      sorted[at] = lagMs;
      size += 1;
    }
    return sorted[size >> 1] as number;
  }

  #addToConnection(atMs: number, connection: number): void {
    if (atMs - this.#slowestSinceMs > RECENT_MS) {
      this.#slowestOnOneBeforeMs = this.#slowestOnOneMs;
      this.#slowestOnOneMs = 0;
      this.#slowestSinceMs = atMs;
    }
    const kept = this.#kept;
    let oldest = 0;
    for (let i = 0; i < CONNECTIONS; i++) {
      const lastMs = kept[OPEN_AT + i] as number;
      if (lastMs > 0 && kept[OPEN + i] === connection) {
        this.#slowestOnOneMs = Math.max(this.#slowestOnOneMs, atMs - lastMs);
        kept[OPEN_AT + i] = atMs;
        return;
      }
      if (lastMs < (kept[OPEN_AT + oldest] as number)) oldest = i;
    }
    kept[OPEN + oldest] = connection;
    kept[OPEN_AT + oldest] = atMs;
  }

  #forget(): void {
    this.#count = 0;
    this.#longestGapMs = 0;
    this.#kept.fill(0, OPEN_AT);
    this.#slowestOnOneMs = 0;
    this.#slowestOnOneBeforeMs = 0;
  }

  #time(i: number): number {
    return this.#kept[i % KEPT] as number;
  }

  #on(i: number): number {
    return this.#kept[CONNECTION + (i % KEPT)] as number;
  }
}
