import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import type { Component } from '../../../src/base/component.ts';
import type { Instruments } from '../../../src/base/instruments.ts';
import { spanMetricsConnector } from '../../../src/connectors/span-metrics/component.ts';
import { spanMetricsConfig } from '../../../src/connectors/span-metrics/config.ts';
import { prometheusExporter } from '../../../src/exporters/prometheus/component.ts';
import { prometheusConfig } from '../../../src/exporters/prometheus/config.ts';
import type { HttpHandler, MainContext, RedHandler } from '../../../src/flow/host.ts';
import type { LaneContext } from '../../../src/flow/lane.ts';
import { freeWhenTaken } from '../../../src/red/delta-buffers.ts';
import { DeltaFolder } from '../../../src/red/fold-windows.ts';
import type { RedDescribed, RedDescription } from '../../../src/red/red-description.ts';
import type { RedDelta, SeriesKey } from '../../../src/red/red-rows.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { transcodeJson } from '../../../src/span/otlp-json.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';

export interface HarnessOptions {
  /** Connector configurations by id; one named span_metrics with defaults when left out. */
  readonly connectors?: Readonly<Record<string, object>>;
  readonly exporter?: object;
  readonly lanes?: number;
  readonly clock?: Clock;
  /** Changes how the first connector describes itself. */
  readonly red?: Partial<RedDescription>;
}

/** span_metrics and the Prometheus exporter as the engine puts them together, without the engine. */
export interface Harness {
  /** One committed block in a lane, given as an OTLP/JSON request. */
  ingest(request: unknown, lane?: number): void;
  /** The same in protobuf. */
  ingestProto(payload: Uint8Array, lane?: number): void;
  /** What a lane would send of the first connector. */
  deliver(delta: RedDelta, keys: readonly SeriesKey[], eventKeys?: readonly SeriesKey[]): void;
  scrape(headers?: Readonly<Record<string, string>>, path?: string): Promise<Response>;
  /** What the engine counts about itself, by name. */
  readonly counters: ReadonlyMap<string, number>;
  start(): Promise<void>;
  /** host:port, once started. */
  address(): string;
  stop(): Promise<void>;
}

export function harness(options: HarnessOptions = {}): Harness {
  const { connectors = { span_metrics: {} }, lanes = 1 } = options;
  const ids = Object.keys(connectors);
  const counters = new Map<string, number>();
  const instruments: Instruments = {
    counter: (name) => ({ add: (n) => void counters.set(name, (counters.get(name) ?? 0) + n) }),
    timer: () => ({ record: () => {} }),
    gauge: (name) => ({ set: (value) => void counters.set(name, value) }),
  };
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const common = {
    clock: options.clock ?? systemClock,
    random: () => 0.5,
    log: silent,
    instruments,
    health: { report: () => {} },
  };
  const routes = new Map<string, HttpHandler>();
  const handlers = new Map<string, RedHandler>();
  const peers = new Map<string, Component>();
  const contextOf = (id: string): MainContext => ({
    ...common,
    id,
    listeners: {
      http: () => ({
        route: (path, handler) => void routes.set(path, handler),
        plain: () => {},
        port: () => 0,
      }),
      grpc: () => {
        throw new Error('no gRPC here');
      },
    },
    ingress: () => Promise.reject(new Error('no ingress here')),
    onLaneMessage: () => {},
    onRed: (connector, handler) => void handlers.set(connector, handler),
    redInputs: ids,
    peer: (id) => peers.get(id),
  });
  const config = prometheusConfig.parse({ endpoint: 'localhost:0', ...options.exporter });
  const exporter = prometheusExporter.createMain?.(config, contextOf('prometheus')) as Component;
  for (const id of ids) {
    const parsed = spanMetricsConfig.parse(connectors[id]);
    peers.set(`connector:${id}`, spanMetricsConnector.createMain?.(parsed, contextOf(id)) as Component);
  }
  const [firstId = ''] = ids;
  const first = peers.get(`connector:${firstId}`) as Component & RedDescribed;
  peers.set(`connector:${firstId}`, Object.assign({}, first, { red: { ...first.red, ...options.red } }));
  const laneHalves = Array.from({ length: lanes }, (_, lane) => {
    const dictionary = new Dictionary();
    const context: LaneContext = { ...common, id: '', lane, lanes, revision: 1, dictionary, post: () => {} };
    const own = ids.map((id) => {
      const config = spanMetricsConfig.parse(connectors[id]);
      const connector = spanMetricsConnector.createLane?.(config, { ...context, id }, { histograms: true });
      if (connector === undefined) throw new Error('no lane half');
      const keys: SeriesKey[] = [];
      const eventKeys: SeriesKey[] = [];
      return {
        id,
        connector,
        folder: new DeltaFolder(connector.series, connector.eventSeries),
        keys,
        eventKeys,
      };
    });
    return { scanner: new OtlpScanner(dictionary), own };
  });
  let server: Server | undefined;
  return {
    counters,
    ingest(request, lane = 0) {
      this.ingestProto(transcodeJson(Buffer.from(JSON.stringify(request))), lane);
    },
    ingestProto(payload, lane = 0) {
      const { scanner, own } = laneHalves[lane] as (typeof laneHalves)[number];
      const batch = new SpanBatch();
      scanner.append(batch, payload, { offset: 0, timestampMs: 0 });
      for (const { id, connector, folder, keys, eventKeys } of own) {
        const delta = structuredClone(folder.fold(connector.derive(batch)));
        delta.newSeries.forEach((key, i) => {
          keys[delta.firstNewSeries + i] = key;
        });
        delta.events?.newSeries.forEach((key, i) => {
          eventKeys[(delta.events?.firstNewSeries ?? 0) + i] = key;
        });
        // As the engine does: who keeps a column for later finds it empty.
        freeWhenTaken(delta, [handlers.get(id)?.(lane, delta, keys, eventKeys)]);
      }
    },
    deliver(delta, keys, eventKeys = []) {
      const own = structuredClone(delta);
      freeWhenTaken(own, [handlers.get(firstId)?.(0, own, keys, eventKeys)]);
    },
    async start() {
      await exporter.start();
      server = createServer((request, response) => {
        const url = new URL(request.url ?? '/', 'http://localhost');
        void routes.get(url.pathname)?.(request, response, url);
      });
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    },
    address() {
      if (server === undefined) throw new Error('start it first');
      return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    scrape(headers = {}, path = '/metrics') {
      return fetch(`http://${this.address()}${path}`, { headers });
    },
    async stop() {
      server?.closeAllConnections();
      await new Promise((resolve) => server?.close(resolve));
    },
  };
}
