import { serviceGraphConnector } from '../../../src/connectors/service-graph/component.ts';
import { serviceGraphConfig } from '../../../src/connectors/service-graph/config.ts';
import type { ServiceGraph } from '../../../src/connectors/service-graph/service-graph.ts';
import type { MainContext } from '../../../src/flow/host.ts';
import type { LaneContext } from '../../../src/flow/lane.ts';
import type { PlainFamily } from '../../../src/flow/plain-families.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { encodeProto, type TestResource } from '../../support/spans.ts';

/** One series of traces_service_graph_request_total. */
export interface SeenEdge {
  readonly labels: Readonly<Record<string, string>>;
  readonly calls: number;
}

/** The connector as the engine puts it together: some lanes, and the main half. The clock stands unless moved. */
export class TestGraph {
  readonly counters = new Map<string, number>();
  readonly graph: ServiceGraph;
  readonly #lanes: ((resources: readonly TestResource[]) => void)[];
  #nowMs = 0;
  readonly #sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];

  constructor(config: object = {}, lanes = 1) {
    const parsed = serviceGraphConfig.parse(config);
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const common = {
      id: 'service_graph',
      clock: {
        wallMs: () => 1_700_000_000_000 + this.#nowMs,
        monotonicMs: () => this.#nowMs,
        sleep: (ms: number) =>
          new Promise<void>((wake) => this.#sleepers.push({ untilMs: this.#nowMs + ms, wake })),
      },
      random: () => 0.5,
      log: silent,
      instruments: {
        counter: (name: string, labels: Readonly<Record<string, string>> = {}) => {
          const key = labels.reason === undefined ? name : `${name}:${labels.reason}`;
          return { add: (n: number) => void this.counters.set(key, (this.counters.get(key) ?? 0) + n) };
        },
        timer: () => ({ record: () => {} }),
        gauge: (name: string) => ({ set: (value: number) => void this.counters.set(name, value) }),
      },
      health: { report: () => {} },
    };
    let take: (lane: number, message: unknown) => void = () => {};
    const main = {
      ...common,
      onLaneMessage: (handler: typeof take) => {
        take = handler;
      },
    } as unknown as MainContext;
    this.graph = serviceGraphConnector.createMain?.(parsed, main) as ServiceGraph;
    this.#lanes = Array.from({ length: lanes }, (_, lane) => {
      const dictionary = new Dictionary();
      const scanner = new OtlpScanner(dictionary);
      const context = {
        ...common,
        dictionary,
        post: (_component: string, message: unknown) => take(lane, structuredClone(message)),
      } as unknown as LaneContext;
      const tap = serviceGraphConnector.createTap(parsed, context);
      return (resources: readonly TestResource[]) => {
        const batch = new SpanBatch();
        scanner.append(batch, encodeProto(resources), { offset: 0, timestampMs: 0 });
        tap(batch);
      };
    });
  }

  async start(): Promise<void> {
    await this.graph.start();
  }

  /** One committed block. */
  ingest(resources: readonly TestResource[], lane = 0): void {
    this.#lanes[lane]?.(resources);
  }

  /** Lets time pass, and what waits for it run. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#sleepers
        .filter((sleeper) => sleeper.untilMs <= untilMs)
        .sort((a, b) => a.untilMs - b.untilMs)[0];
      if (due === undefined) break;
      this.#sleepers.splice(this.#sleepers.indexOf(due), 1);
      this.#nowMs = due.untilMs;
      due.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#nowMs = untilMs;
  }

  family(name: string): PlainFamily {
    const found = this.graph.plainFamilies().find((family) => family.name === `traces_service_graph_${name}`);
    if (found === undefined) throw new Error(`no family ${name}`);
    return found;
  }

  /** What request_total shows, in an order of its own. */
  edges(): SeenEdge[] {
    const family = this.family('request_total');
    if (family.kind !== 'counter') throw new Error('no counter');
    return family.points
      .map(({ labels, value }) => ({ labels: Object.fromEntries(labels), calls: value }))
      .sort((a, b) => (JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1));
  }
}

/** `client -> server type`, with a ! where it failed, and how often. */
export function shortly(edges: readonly SeenEdge[]): Record<string, number> {
  return Object.fromEntries(
    edges.map(({ labels, calls }) => {
      const { client, server, connection_type: type, failed } = labels;
      return [
        `${client} -> ${server}${type === '' ? '' : ` ${type}`}${failed === 'true' ? ' !' : ''}`,
        calls,
      ];
    }),
  );
}
