import { SpanweirError, toError } from '../../../base/errors.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';
import {
  bodyOf,
  FALLBACK_KEY,
  FORMAT,
  HEAD_KEY,
  type Head,
  serviceKey,
  serviceOf,
} from './snapshot-records.ts';
import { toStrategy } from './strategy-record.ts';

/** What a record led to. `malformed`: it, or the version that it ends, can't be understood and is left out. */
export type Taken =
  | { readonly kind: 'held' | 'version' }
  | { readonly kind: 'malformed'; readonly why: string };

const HELD: Taken = { kind: 'held' };
const VERSION: Taken = { kind: 'version' };

/**
 * What the control topic says, record by record as they were committed: whatever comes is held until the head that ends
 * its version, and then all of it counts at once. Strategies that a version does not change stay the same objects.
 */
export class SnapshotLog {
  /** Since the last head. */
  #held = new Map<string, string | null>();
  readonly #bodies = new Map<string, string>();
  #services: ReadonlyMap<string, Strategy> = new Map();
  /** What changed since the last version that could be understood; undefined stands for the fallback. */
  readonly #touched = new Set<string | undefined>();
  #version = 0;
  #format = FORMAT;
  #snapshot: StrategySnapshot | undefined;

  /** Undefined before the first whole version. */
  get snapshot(): StrategySnapshot | undefined {
    return this.#snapshot;
  }

  /** The highest that the topic has, understood or not; 0 when there is none yet. */
  get version(): number {
    return this.#version;
  }

  /** Somebody with a newer release writes here. */
  get isNewer(): boolean {
    return this.#format > FORMAT;
  }

  /** Key -> body of all records of the version. */
  get bodies(): ReadonlyMap<string, string> {
    return this.#bodies;
  }

  take(key: Uint8Array | null, value: Uint8Array | null): Taken {
    const name = text(key);
    if (name !== HEAD_KEY) {
      if (name !== FALLBACK_KEY && serviceOf(name) === undefined)
        return malformed(`a record under "${name}"`);
      this.#held.set(name, value === null ? null : text(value));
      return HELD;
    }
    try {
      this.#apply(headOf(text(value)));
      return VERSION;
    } catch (error) {
      return malformed(toError(error).message);
    }
  }

  #apply(head: Head): void {
    const held = this.#held;
    this.#held = new Map();
    for (const [key, value] of held) {
      if (value === null) this.#bodies.delete(key);
      else this.#bodies.set(key, bodyOf(value));
      this.#touched.add(serviceOf(key)?.service);
    }
    this.#version = Math.max(this.#version, head.v);
    this.#format = head.format;
    if (head.format > FORMAT) {
      const message = `the topic is written by a newer release (format ${head.format}, known ${FORMAT})`;
      throw new SpanweirError('BAD_DATA', message);
    }
    const services = new Map(this.#services);
    let fallback = this.#snapshot?.fallback;
    for (const service of this.#touched) {
      const strategy = this.#strategyOf(service);
      if (service === undefined) fallback = strategy;
      else if (strategy === undefined) services.delete(service);
      else services.set(service, strategy);
    }
    if (fallback === undefined || services.size !== head.services) {
      const message = `version ${head.v} has ${head.services} services, and the topic ${services.size}`;
      throw new SpanweirError('BAD_DATA', message);
    }
    this.#touched.clear();
    this.#services = services;
    this.#snapshot = { version: head.v, madeAtMs: head.madeAtMs, fallback, services };
  }

  /** Undefined when it left; of no service: the fallback. @throws SpanweirError BAD_DATA */
  #strategyOf(service: string | undefined): Strategy | undefined {
    const body = this.#bodies.get(service === undefined ? FALLBACK_KEY : serviceKey(service));
    if (body === undefined) return undefined;
    const first = parsed(body);
    const others = Array.from({ length: Number(first.parts ?? 1) - 1 }, (_, i) =>
      parsed(this.#bodies.get(serviceKey(service ?? '', i + 1))),
    );
    if (others.length === 0) return toStrategy(first);
    const operations = [first.byOperation?.operations, ...others.map((part) => part.operations)].flat();
    return toStrategy({ ...first, byOperation: { ...first.byOperation, operations } });
  }
}

/** What a body may hold; toStrategy looks closer. */
interface Parsed {
  readonly parts?: number;
  readonly operations?: readonly unknown[];
  readonly byOperation?: { readonly operations?: readonly unknown[] };
}

function parsed(body: string | undefined): Parsed {
  if (body === undefined) throw new SpanweirError('BAD_DATA', 'a part of a strategy is not there');
  return JSON.parse(`{${body}`) as Parsed;
}

function headOf(value: string): Head {
  const head = JSON.parse(value) as Partial<Head> | null;
  const { v, format, by, madeAtMs, services } = head ?? {};
  const numbers = [v, format, madeAtMs, services];
  if (numbers.every(Number.isFinite) && typeof by === 'string') return head as Head;
  throw new SpanweirError('BAD_DATA', 'a head that is none');
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function malformed(why: string): Taken {
  return { kind: 'malformed', why };
}
