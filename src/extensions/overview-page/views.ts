import type { MainContext } from '../../flow/host.ts';
import { hasPlainFamilies } from '../../flow/plain-families.ts';
import type { OverviewPageConfig } from './config.ts';
import { DecisionHistory, isDecisionSource } from './decisions.ts';
import { EdgeHistory, type EdgeMoment, readEdges } from './edge-history.ts';
import { EngineHistory, type MetricSource, type ProcessUse, rateBetween, read } from './engine-history.ts';
import { engineStatus, has } from './engine-status.ts';
import { engineView } from './engine-view.ts';
import { graphView, NO_GRAPH } from './graph-view.ts';
import { createOverview, type OverviewQuery } from './overview.ts';
import { OwnLatencies, type TimerSource } from './own-latencies.ts';
import { createRedView, type RedQuery } from './red-view.ts';
import { samplingPage } from './sampling-view.ts';
import { slotAt, Traffic } from './traffic.ts';

/** All that the page can be asked for, and what is kept for it. */
export class Views {
  readonly traffic: Traffic;
  readonly latencies: OwnLatencies;
  readonly #context: MainContext;
  readonly #config: OverviewPageConfig;
  readonly #decisions = new DecisionHistory();
  readonly #engine = new EngineHistory();
  readonly #edges = new EdgeHistory();
  readonly #startedMs: number;
  readonly #overview: ReturnType<typeof createOverview>;
  readonly #red: ReturnType<typeof createRedView>;

  constructor(config: OverviewPageConfig, context: MainContext) {
    this.#config = config;
    this.#context = context;
    this.latencies = new OwnLatencies(context.clock);
    this.traffic = new Traffic(config.max_operations);
    this.#startedMs = context.clock.monotonicMs();
    this.#overview = createOverview(this.traffic, this.#decisions, this.#startedMs);
    this.#red = createRedView(this.traffic, this.#startedMs);
  }

  /** To be called once a slot. */
  tick(): void {
    const source = this.#samplingSource();
    if (source !== undefined) this.#decisions.tick(source);
    this.traffic.sweep(slotAt(this.#nowMs()));
    this.#engine.tick(this.#reading());
    this.latencies.read(this.#timers());
    const edges = this.#edgesNow();
    if (edges !== undefined) this.#edges.tick(edges);
  }

  /** What all views show at the top. */
  head() {
    const source = this.#samplingSource();
    if (source !== undefined) this.#decisions.refresh(source);
    const { clock } = this.#context;
    return {
      nowMs: clock.wallMs(),
      uptimeMs: Math.round(clock.monotonicMs() - this.#startedMs),
      sampling: {
        isServed: source !== undefined,
        mode: source?.mode?.() ?? null,
        operations: this.#decisions.size,
      },
      ...engineStatus(this.#context),
    };
  }

  overview(query: OverviewQuery) {
    return { ...this.head(), ...this.#overview(query, this.#nowMs()) };
  }

  red(query: RedQuery) {
    return { ...this.overview(query), red: this.#red(query, this.#nowMs()) };
  }

  sampling(query: OverviewQuery) {
    const now = this.#reading();
    const real = rateBetween(this.#engine.minuteAgo, now, 'spanweir_adaptive_sampling_roots_total');
    const overview = this.overview({ ...query, limit: 0 });
    return { ...overview, view: samplingPage(query, this.#decisions, this.#samplingSource(), real) };
  }

  graph(query: OverviewQuery) {
    const now = this.#edgesNow();
    const view = now === undefined ? NO_GRAPH : graphView(now, this.#edges.minuteAgo, query);
    return { ...this.overview({ ...query, limit: 0 }), view };
  }

  engine(query: OverviewQuery) {
    const latencies = this.latencies.read(this.#timers());
    const view = engineView(this.#engine, this.#reading(), this.#metrics(), latencies);
    return { ...this.overview({ ...query, limit: 0 }), view };
  }

  #nowMs(): number {
    return this.#context.clock.monotonicMs();
  }

  #reading() {
    return read(this.#nowMs(), this.#metrics(), processUse());
  }

  #metrics(): MetricSource | undefined {
    const source = this.#context.peer('spanweir.metrics');
    return has<MetricSource>(source, 'samples') ? source : undefined;
  }

  #timers(): TimerSource | undefined {
    const source = this.#context.peer('spanweir.metrics');
    return has<TimerSource>(source, 'timers') ? source : undefined;
  }

  #samplingSource() {
    const peer = this.#context.peer(`extension:${this.#config.sampling}`);
    return isDecisionSource(peer) ? peer : undefined;
  }

  /** Of all service_graph connectors; undefined where there is none. */
  #edgesNow(): EdgeMoment | undefined {
    const config = this.#context.peer('spanweir.config') as { readonly connectors?: object } | undefined;
    const sources = Object.keys(config?.connectors ?? {})
      .map((id) => this.#context.peer(`connector:${id}`))
      .filter(hasPlainFamilies);
    if (sources.length === 0) return undefined;
    return readEdges(
      sources.flatMap((source) => source.plainFamilies()),
      this.#nowMs(),
    );
  }
}

function processUse(): ProcessUse {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapBytes: heapUsed };
}
