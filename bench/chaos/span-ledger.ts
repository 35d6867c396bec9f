import { readSpans } from './read-spans.ts';

const DAY_NS = 86_400_000_000_000n;

/** What all spans of one service and operation that start on one day (UTC) add up to. */
export interface OperationTotals {
  readonly service: string;
  readonly operation: string;
  /** Days since 1970-01-01. */
  readonly day: number;
  spans: number;
  roots: number;
  durationNs: number;
}

/** One record of the log, as far as it holds spans. */
export interface LedgerRecord {
  readonly partition: number;
  readonly offset: number;
  readonly firstSpan: number;
  readonly spans: number;
}

/**
 * What is on the topic, written down record by record as the broker acknowledges it: per span 18 bytes in typed
 * arrays (identity, operation and day, duration), so that millions of them fit beside the parts under test.
 */
export class SpanLedger {
  readonly #nextOffsets: number[];
  #spans = 0;
  #records = 0;
  #idHi = new Uint32Array(1 << 16);
  #idLo = new Uint32Array(1 << 16);
  #operation = new Uint16Array(1 << 16);
  #durationNs = new Float64Array(1 << 16);
  #recordPartition = new Uint16Array(1 << 10);
  #recordOffset = new Float64Array(1 << 10);
  #recordFirstSpan = new Uint32Array(1 << 10);
  #unreadable = 0;
  readonly #operations: OperationTotals[] = [];
  readonly #operationIds = new Map<string, number>();

  constructor(partitions: number) {
    this.#nextOffsets = Array.from({ length: partitions }, () => 0);
  }

  get spans(): number {
    return this.#spans;
  }

  get records(): number {
    return this.#records;
  }

  get unreadable(): number {
    return this.#unreadable;
  }

  get partitions(): number {
    return this.#nextOffsets.length;
  }

  get totals(): readonly OperationTotals[] {
    return this.#operations;
  }

  /** The offset that the next record of a partition will get: the end of its log. */
  nextOffset(partition: number): number {
    return this.#nextOffsets[partition] as number;
  }

  /** `poison` = no spans are expected of it, whatever its bytes are. Throws when `offset` is not the next one. */
  add(partition: number, offset: number, value: Uint8Array | null, isPoison = false): void {
    if (offset !== this.#nextOffsets[partition])
      throw new Error(`partition ${partition}: ${offset} came where ${this.#nextOffsets[partition]} was due`);
    this.#nextOffsets[partition] = offset + 1;
    if (isPoison || value === null) {
      this.#unreadable++;
      return;
    }
    this.#growRecords();
    this.#recordPartition[this.#records] = partition;
    this.#recordOffset[this.#records] = offset;
    this.#recordFirstSpan[this.#records] = this.#spans;
    this.#records++;
    readSpans(value, (span) => {
      this.#growSpans();
      const day = Number(span.startNs / DAY_NS);
      const operation = this.#operationOf(span.service, span.operation, day);
      this.#idHi[this.#spans] = span.idHi;
      this.#idLo[this.#spans] = span.idLo;
      this.#operation[this.#spans] = operation;
      this.#durationNs[this.#spans] = span.durationNs;
      this.#spans++;
      const totals = this.#operations[operation] as OperationTotals;
      totals.spans++;
      if (span.isRoot) totals.roots++;
      totals.durationNs += span.durationNs;
    });
  }

  record(index: number): LedgerRecord {
    const firstSpan = this.#recordFirstSpan[index] as number;
    const end = index + 1 < this.#records ? (this.#recordFirstSpan[index + 1] as number) : this.#spans;
    return {
      partition: this.#recordPartition[index] as number,
      offset: this.#recordOffset[index] as number,
      firstSpan,
      spans: end - firstSpan,
    };
  }

  /** Sums that tell a record's spans from any others: of ids as 64-bit numbers (wraps), and of durations. */
  sumsOf({ firstSpan, spans }: LedgerRecord): { readonly ids: bigint; readonly durationNs: number } {
    let hi = 0;
    let lo = 0;
    let durationNs = 0;
    for (let i = firstSpan; i < firstSpan + spans; i++) {
      hi += this.#idHi[i] as number;
      lo += this.#idLo[i] as number;
      durationNs += this.#durationNs[i] as number;
    }
    return { ids: BigInt.asUintN(64, (BigInt(hi) << 32n) + BigInt(lo)), durationNs };
  }

  /** 16 hex digits each. */
  idsOf({ firstSpan, spans }: LedgerRecord): string[] {
    return Array.from({ length: spans }, (_, i) => {
      const at = firstSpan + i;
      return hex(this.#idHi[at] as number) + hex(this.#idLo[at] as number);
    });
  }

  #operationOf(service: string, operation: string, day: number): number {
    const key = `${day}|${service}|${operation}`;
    const known = this.#operationIds.get(key);
    if (known !== undefined) return known;
    const id = this.#operations.length;
    if (id > 0xffff) throw new RangeError('too many operations and days for this ledger');
    this.#operations.push({ service, operation, day, spans: 0, roots: 0, durationNs: 0 });
    this.#operationIds.set(key, id);
    return id;
  }

  #growRecords(): void {
    if (this.#records < this.#recordOffset.length) return;
    this.#recordPartition = grown(this.#recordPartition, Uint16Array);
    this.#recordOffset = grown(this.#recordOffset, Float64Array);
    this.#recordFirstSpan = grown(this.#recordFirstSpan, Uint32Array);
  }

  #growSpans(): void {
    if (this.#spans < this.#idHi.length) return;
    this.#idHi = grown(this.#idHi, Uint32Array);
    this.#idLo = grown(this.#idLo, Uint32Array);
    this.#operation = grown(this.#operation, Uint16Array);
    this.#durationNs = grown(this.#durationNs, Float64Array);
  }
}

interface Numbers {
  readonly length: number;
  set(from: ArrayLike<number>): void;
}

function grown<T extends Numbers & ArrayLike<number>>(old: T, type: new (length: number) => T): T {
  const larger = new type(old.length * 2);
  larger.set(old);
  return larger;
}

function hex(number: number): string {
  return number.toString(16).padStart(8, '0');
}
