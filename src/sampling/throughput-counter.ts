import { AttributeCursor } from '../span/attributes.ts';
import type { Dictionary } from '../span/dictionary.ts';
import { LinkCursor } from '../span/event-cursors.ts';
import { Interner } from '../span/interner.ts';
import { NONE, QUALITY, type SpanBatch } from '../span/span-batch.ts';
import { SAMPLER, SamplerTags } from './sampler-tags.ts';
import { sixDecimals } from './six-decimals.ts';
import type { ThroughputRow, ThroughputRows } from './throughput-rows.ts';

/** Jaeger's name for a resource without service.name. */
const NO_SERVICE = 'OTLPResourceNoServiceName';
export const MAX_PROBABILITIES = 10;
/** Above every id that a dictionary gives. */
const NO_SERVICE_ID = 2 ** 30;
const NAME_IDS = 2 ** 21;

interface Entry {
  readonly service: string;
  readonly operation: string;
  count: number;
  readonly probabilities: string[];
  /** The last param that was added: nearly always the next one too. */
  lastParam: number;
}

/** One window: by service id * NAME_IDS + name id, or by text where the dictionary was full. */
type Window = Map<number | string, Entry>;

/** What became of the root spans, since the counter was made. */
export interface RootTally {
  /** By a probabilistic sampler: counted. */
  counted: number;
  /** By another known sampler: noted, not counted. */
  noted: number;
  /** Without `sampler.type` and `sampler.param` that Jaeger knows: ignored. */
  unrecognized: number;
}

/**
 * Counts sampled root spans per (window, service, operation) by the rules of Jaeger's aggregator. A window is
 * `windowS` seconds long and chosen by the span's end.
 */
export class ThroughputCounter {
  readonly tally: RootTally = { counted: 0, noted: 0, unrecognized: 0 };
  readonly #dictionary: Dictionary;
  readonly #windowS: number;
  readonly #links = new LinkCursor();
  readonly #tags = new SamplerTags(new AttributeCursor());

  constructor(dictionary: Dictionary, windowS: number) {
    this.#dictionary = dictionary;
    this.#windowS = windowS;
  }

  /** Rows sorted by window, service and operation: a function of the batch alone. */
  derive(batch: SpanBatch): ThroughputRows {
    const windows = new Map<number, Window>();
    let windowS = Number.NaN;
    let window: Window = new Map();
    for (let i = 0; i < batch.spans; i++) {
      if (batch.parentIdAt[i] !== NONE || batch.nameLength[i] === 0) continue;
      if (batch.linksEnd[i] !== 0 && this.#followsItsOwnTrace(batch, i)) continue;
      const type = this.#tags.read(batch, i);
      if (type === SAMPLER.unrecognized) {
        this.tally.unrecognized++;
        continue;
      }
      const spanWindowS = this.#windowOf(batch, i);
      if (spanWindowS !== windowS) {
        windowS = spanWindowS;
        window = windows.get(windowS) ?? new Map<number | string, Entry>();
        windows.set(windowS, window);
      }
      const entry = this.#entryOf(window, batch, i);
      if (entry === undefined) continue;
      if (type === SAMPLER.probabilistic) entry.count++;
      this.tally[type === SAMPLER.probabilistic ? 'counted' : 'noted']++;
      addProbability(entry, this.#tags.param);
    }
    return rowsOf(windows);
  }

  /** Jaeger takes a link to a span of the own trace for a parent. */
  #followsItsOwnTrace(batch: SpanBatch, span: number): boolean {
    const traceAt = batch.traceIdAt[span] as number;
    if (traceAt === NONE) return false;
    const links = this.#links;
    const { arena } = batch;
    links.reset(arena, batch.linksAt[span] as number, batch.linksEnd[span] as number);
    while (links.next()) {
      if (links.traceIdAt === NONE || links.spanIdAt === NONE) continue;
      if (isZero(arena, links.spanIdAt)) continue;
      if (arena.compare(arena, traceAt, traceAt + 16, links.traceIdAt, links.traceIdAt + 16) === 0)
        return true;
    }
    return false;
  }

  #windowOf(batch: SpanBatch, span: number): number {
    const startS = ((batch.startHi[span] as number) * 2 ** 32 + (batch.startLo[span] as number)) / 1e9;
    // Where the time was not to be believed, the duration isn't either.
    const isClamped = ((batch.quality[span] as number) & QUALITY.clampedTime) !== 0;
    const endS = isClamped ? startS : startS + (batch.durationNs[span] as number) / 1e9;
    return Math.floor(endS / this.#windowS) * this.#windowS;
  }

  /** Undefined for a span without service or name. */
  #entryOf(window: Window, batch: SpanBatch, span: number): Entry | undefined {
    const identity = batch.resourceIdentity[batch.resource[span] as number] as number;
    const nameId = batch.nameId[span] as number;
    let serviceId = this.#dictionary.identityService[identity] as number;
    if (identity === 0) serviceId = NO_SERVICE_ID;
    else if (serviceId === Interner.EMPTY) return undefined;
    let key: number | string = serviceId * NAME_IDS + nameId;
    if (serviceId === Interner.OVERFLOW || nameId === Interner.OVERFLOW) {
      key = `${this.#serviceOf(identity)}\u0000${this.#nameOf(batch, span)}`;
    }
    const known = window.get(key);
    if (known !== undefined) return known;
    const entry = {
      service: this.#serviceOf(identity),
      operation: this.#nameOf(batch, span),
      count: 0,
      probabilities: [],
      lastParam: Number.NaN,
    };
    window.set(key, entry);
    return entry;
  }

  #serviceOf(identity: number): string {
    return this.#dictionary.identities[identity]?.service ?? NO_SERVICE;
  }

  #nameOf(batch: SpanBatch, span: number): string {
    const nameId = batch.nameId[span] as number;
    if (nameId !== Interner.OVERFLOW) return this.#dictionary.names.words[nameId] as string;
    const at = batch.nameAt[span] as number;
    return batch.arena.toString('utf8', at, at + (batch.nameLength[span] as number));
  }
}

function addProbability(entry: Entry, param: number): void {
  if (param === entry.lastParam) return;
  entry.lastParam = param;
  if (entry.probabilities.length >= MAX_PROBABILITIES) return;
  const text = sixDecimals(param);
  if (!entry.probabilities.includes(text)) entry.probabilities.push(text);
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 8; i++) if (bytes[i] !== 0) return false;
  return true;
}

function rowsOf(windows: ReadonlyMap<number, Window>): ThroughputRows {
  const rows: ThroughputRow[] = [];
  for (const [windowS, window] of windows) {
    for (const { service, operation, count, probabilities } of window.values()) {
      rows.push({ windowS, service, operation, count, probabilities: probabilities.sort() });
    }
  }
  return rows.sort(compareRows);
}

function compareRows(a: ThroughputRow, b: ThroughputRow): number {
  if (a.windowS !== b.windowS) return a.windowS - b.windowS;
  if (a.service !== b.service) return a.service < b.service ? -1 : 1;
  return a.operation < b.operation ? -1 : a.operation > b.operation ? 1 : 0;
}
