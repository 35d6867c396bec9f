import { AttributeCursor } from '../../span/attributes.ts';
import type { Dictionary } from '../../span/dictionary.ts';
import { LinkCursor } from '../../span/event-cursors.ts';
import { Interner } from '../../span/interner.ts';
import { holdsId } from '../../span/name-template.ts';
import { SAMPLER, SamplerTags } from '../../span/sampler-tags.ts';
import { NONE, QUALITY, type SpanBatch } from '../../span/span-batch.ts';
import { KEPT, KeptWith, type OddTally } from './kept-with.ts';
import { isVouchedFor, SHARED_OPERATION } from './operation-names.ts';
import { RootReader } from './root-reader.ts';
import { sixDecimals } from './six-decimals.ts';
import { boundOperations, type Entry, emptyEntry, MAX_PROBABILITIES, rowsOf } from './throughput-entries.ts';
import type { ThroughputRows } from './throughput-rows.ts';

/** Jaeger's name for a resource without service.name. */
const NO_SERVICE = 'OTLPResourceNoServiceName';
/** Above every id that a dictionary gives. */
const NO_SERVICE_ID = 2 ** 30;
const NAME_IDS = 2 ** 21;

/** One window: by service id * NAME_IDS + name id, or by text where the dictionary was full. */
type Window = Map<number | string, Entry>;

/** What became of the root spans, since somebody has set it to 0. */
export interface RootTally {
  /** Told the probability that they were kept with. */
  tagged: number;
  /** Kept by a lower bound, a rate limit or a constant, as they told. */
  bounded: number;
  /** Told nothing: counted by their trace ids. */
  untold: number;
  /** Told nothing, and the rule of their SDK is not known (or the trace id is missing). */
  unknownSdk: number;
}

/**
 * Counts sampled root spans per (window, service, operation): for Jaeger's algorithm by the rules of Jaeger's
 * aggregator, and all of them for the algorithm that needs no tags. A window is `windowS` seconds long and
 * chosen by the span's end. An operation is the span's name, or SHARED_OPERATION.
 */
export class ThroughputCounter {
  readonly tally: RootTally = { tagged: 0, bounded: 0, untold: 0, unknownSdk: 0 };
  readonly #dictionary: Dictionary;
  readonly #windowS: number;
  readonly #links = new LinkCursor();
  readonly #cursor = new AttributeCursor();
  readonly #tags = new SamplerTags(this.#cursor);
  readonly #kept = new KeptWith(this.#tags);
  readonly #roots = new RootReader(this.#cursor);
  /** By name id: 0 not looked at yet, else one of NAMED. */
  #named = new Uint8Array(1024);
  /** By name id, of names with ids: whether the first root of the batch that has it vouches for it. */
  readonly #vouched = new Map<number, boolean>();

  constructor(dictionary: Dictionary, windowS: number) {
    this.#dictionary = dictionary;
    this.#windowS = windowS;
  }

  get odd(): OddTally {
    return this.#kept.odd;
  }

  /** Rows sorted by window, service and operation: a function of the batch alone. */
  derive(batch: SpanBatch): ThroughputRows {
    const windows = new Map<number, Window>();
    const entries: Entry[] = [];
    this.#roots.begin(batch);
    this.#vouched.clear();
    let windowS = Number.NaN;
    let window: Window = new Map();
    for (let i = 0; i < batch.spans; i++) {
      if (batch.parentIdAt[i] !== NONE || batch.nameLength[i] === 0) continue;
      if (batch.linksEnd[i] !== 0 && this.#followsItsOwnTrace(batch, i)) continue;
      const spanWindowS = this.#windowOf(batch, i);
      if (spanWindowS !== windowS) {
        windowS = spanWindowS;
        window = windows.get(windowS) ?? new Map<number | string, Entry>();
        windows.set(windowS, window);
      }
      const isShared = this.#isShared(batch, i);
      const entry = this.#entryOf(window, entries, windowS, batch, i, isShared);
      if (entry === undefined) continue;
      const type = this.#tags.read(batch, i);
      if (type !== SAMPLER.unrecognized) {
        // Jaeger knows no shared operation.
        const literal = isShared ? this.#entryOf(window, entries, windowS, batch, i, false) : entry;
        if (literal !== undefined) countAsJaeger(literal, type, this.#tags.param);
      }
      this.#count(entry, batch, i);
    }
    const entryOf = boundOperations(entries);
    return rowsOf(entries, entryOf, this.#roots.classes.count(entries.length, entryOf));
  }

  #count(entry: Entry, batch: SpanBatch, span: number): void {
    entry.roots++;
    if (batch.statusCode[span] === STATUS_ERROR) entry.errors++;
    const kept = this.#kept.read(batch, span);
    if (kept === KEPT.tagged) {
      const { adjusted } = this.#kept;
      entry.tagged++;
      entry.adjusted += adjusted;
      entry.adjustedSquares += adjusted * adjusted;
      this.tally.tagged++;
    } else if (kept === KEPT.bounded) {
      entry.bounded++;
      this.tally.bounded++;
    }
    const hasVariate = this.#roots.note(batch, span, entry.index, kept === KEPT.untold);
    if (kept === KEPT.untold) this.tally[hasVariate ? 'untold' : 'unknownSdk']++;
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

  #isShared(batch: SpanBatch, span: number): boolean {
    const nameId = batch.nameId[span] as number;
    if (nameId >= this.#named.length) this.#named = grown(this.#named, nameId);
    let named = this.#named[nameId] as number;
    if (named === 0 || nameId === Interner.OVERFLOW) {
      named = holdsId(this.#nameOf(batch, span)) ? NAMED.withId : NAMED.plainly;
      this.#named[nameId] = named;
    }
    if (named === NAMED.plainly) return false;
    if (nameId === Interner.OVERFLOW) return !isVouchedFor(this.#cursor, batch, span);
    let isVouched = this.#vouched.get(nameId);
    if (isVouched === undefined) {
      isVouched = isVouchedFor(this.#cursor, batch, span);
      this.#vouched.set(nameId, isVouched);
    }
    return !isVouched;
  }

  /** Undefined for a span without service. */
  #entryOf(
    window: Window,
    entries: Entry[],
    windowS: number,
    batch: SpanBatch,
    span: number,
    isShared: boolean,
  ): Entry | undefined {
    const identity = batch.resourceIdentity[batch.resource[span] as number] as number;
    const nameId = isShared ? Interner.EMPTY : (batch.nameId[span] as number);
    let serviceId = this.#dictionary.identityService[identity] as number;
    if (identity === 0) serviceId = NO_SERVICE_ID;
    else if (serviceId === Interner.EMPTY) return undefined;
    let key: number | string = serviceId * NAME_IDS + nameId;
    if (serviceId === Interner.OVERFLOW || nameId === Interner.OVERFLOW) {
      const operation = isShared ? SHARED_OPERATION : this.#nameOf(batch, span);
      key = `${this.#serviceOf(identity)}\u0000${operation}`;
    }
    const known = window.get(key);
    if (known !== undefined) return known;
    const service = this.#serviceOf(identity);
    const operation = isShared ? SHARED_OPERATION : this.#nameOf(batch, span);
    const entry = emptyEntry(entries.length, windowS, service, operation);
    entries.push(entry);
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

const NAMED = { plainly: 1, withId: 2 } as const;
const STATUS_ERROR = 2;

function countAsJaeger(entry: Entry, type: number, param: number): void {
  if (type === SAMPLER.probabilistic) entry.count++;
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

function grown(column: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(column.length * 2, index + 1));
  larger.set(column);
  return larger;
}
