import type { Component } from '../../base/component.ts';
import type { Counter, Gauge } from '../../base/instruments.ts';
import type { EdgeRules, EdgeSource } from '../../dependencies/edge-rules.ts';
import { type EdgeMoment, EdgeSeriesTable } from '../../dependencies/edge-series.ts';
import { EdgeStore, type EdgeStoreTally } from '../../dependencies/edge-store.ts';
import type { HalfEdges } from '../../dependencies/half-edges.ts';
import type { MainContext } from '../../flow/host.ts';
import type { PlainFamilies, PlainFamily } from '../../flow/plain-families.ts';
import { DEFAULT_BUCKETS_MS } from '../../sketch/explicit-buckets.ts';
import type { ServiceGraphConfig } from './config.ts';
import { edgeFamilies } from './families.ts';

const NS_PER_MS = 1e6;
/** As in the collector, where it can't be set either. */
const SERIES_IDLE_MS = 15 * 60_000;
const MOST_SERIES = 100_000;
/** Lives of lanes whose parties are remembered; one more begins only when a thread was started again. */
const LIVES = 64;
/** Where the collector would hand metrics on with every batch. */
const AT_ONCE_MS = 10_000;

/** The main half: pairs the halves that all lanes found in committed blocks, and adds up the edges. */
export class ServiceGraph implements Component, PlainFamilies, EdgeSource {
  readonly id: string;
  readonly edges: EdgeSource['edges'];
  readonly #config: ServiceGraphConfig;
  readonly #context: MainContext;
  readonly #store: EdgeStore;
  readonly #series: EdgeSeriesTable;
  readonly #boundsNs: readonly number[];
  /** Per lane's life: its party ids -> ours. The life that was heard of last comes last. */
  readonly #parties = new Map<number, Uint32Array>();
  readonly #counters: Readonly<Record<keyof EdgeStoreTally, Counter>>;
  readonly #told: EdgeStoreTally = { edges: 0, expired: 0, dropped: 0 };
  readonly #overflow: Counter;
  #overflowTold = 0;
  readonly #waiting: Gauge;
  readonly #stopping = new AbortController();
  #moment: EdgeMoment = { wallMs: 0, monotonicMs: 0 };

  constructor(config: ServiceGraphConfig, context: MainContext, rules: EdgeRules) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.edges = {
      rules,
      ttlMs: config.store.ttl,
      everyMs: config.metrics_flush_interval || AT_ONCE_MS,
    };
    this.#boundsNs = (config.latency_histogram_buckets ?? DEFAULT_BUCKETS_MS).map((ms) =>
      Math.round(ms * NS_PER_MS),
    );
    this.#series = new EdgeSeriesTable({ boundsNs: this.#boundsNs, limit: MOST_SERIES });
    this.#store = new EdgeStore(
      {
        ttlMs: config.store.ttl,
        maxItems: config.store.max_items,
        seed: Math.floor(context.random() * 2 ** 32),
      },
      (edge) => this.#series.add(edge, this.#moment),
    );
    const labels = { connector: context.id };
    const counter = (name: string): Counter => context.instruments.counter(name, labels);
    this.#counters = {
      edges: counter('spanweir_service_graph_total_edges_total'),
      expired: counter('spanweir_service_graph_expired_edges_total'),
      dropped: counter('spanweir_service_graph_dropped_spans_total'),
    };
    this.#overflow = counter('spanweir_service_graph_overflow_total');
    this.#waiting = context.instruments.gauge('spanweir_service_graph_waiting_spans', labels);
    context.onLaneMessage((life, message) => this.take(life, message as HalfEdges));
  }

  async start(): Promise<void> {
    const { cache_loop: cacheMs, store_expiration_loop: expirationMs } = this.#config;
    void this.#every(expirationMs, () => this.#expire());
    void this.#every(cacheMs, () => this.#series.forget(SERIES_IDLE_MS, this.#now()));
    this.#context.health.report('ok');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#context.health.report('stopped');
  }

  /** Of one committed block. */
  take(life: number, halves: HalfEdges): void {
    this.#store.add(halves, this.#partiesOf(life, halves), this.#now());
    this.#tell();
  }

  plainFamilies(): PlainFamily[] {
    return edgeFamilies(this.#series.all(), {
      boundsNs: this.#boundsNs,
      dimensions: this.edges.rules.dimensions,
      virtualNodeLabel: this.#config.virtual_node_extra_label,
    });
  }

  #expire(): void {
    this.#store.expire(this.#now());
    this.#tell();
  }

  #now(): number {
    const { clock } = this.#context;
    this.#moment = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    return this.#moment.monotonicMs;
  }

  async #every(ms: number, act: () => void): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#context.clock.sleep(ms, signal);
      if (signal.aborted) return;
      act();
    }
  }

  #partiesOf(life: number, { firstNewParty, newParties }: HalfEdges): Uint32Array {
    const known = this.#parties.get(life) ?? new Uint32Array(0);
    const ids =
      newParties.length === 0
        ? known
        : new Uint32Array(Math.max(known.length, firstNewParty + newParties.length));
    if (ids !== known) ids.set(known);
    newParties.forEach((party, i) => {
      ids[firstNewParty + i] = this.#series.partyId(party);
    });
    this.#parties.delete(life);
    this.#parties.set(life, ids);
    const oldest = this.#parties.keys().next().value;
    if (this.#parties.size > LIVES && oldest !== undefined) this.#parties.delete(oldest);
    return ids;
  }

  #tell(): void {
    const { tally } = this.#store;
    for (const name of ['edges', 'expired', 'dropped'] as const) {
      this.#counters[name].add(tally[name] - this.#told[name]);
      this.#told[name] = tally[name];
    }
    this.#overflow.add(this.#series.overflowed - this.#overflowTold);
    this.#overflowTold = this.#series.overflowed;
    this.#waiting.set(this.#store.size);
  }
}
