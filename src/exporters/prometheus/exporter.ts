import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Component } from '../../base/component.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter, Gauge } from '../../base/instruments.ts';
import { serverTlsOf } from '../../base/schema.ts';
import type { MainContext } from '../../flow/host.ts';
import { isRedDescribed } from '../../red/red-description.ts';
import type { RedDelta, SeriesKey } from '../../red/red-rows.ts';
import type { PrometheusConfig } from './config.ts';
import { gzipPage } from './gzip-page.ts';
import { SeriesLabels } from './labels.ts';
import { metricNames, type NameTranslation } from './names.ts';
import { acceptsGzip, contentType, type Format, negotiate } from './negotiate.ts';
import { type PageSource, renderPage } from './page.ts';
import { type SeriesRoom, SeriesStore } from './series-store.ts';
import { Targets } from './targets.ts';

const SUFFIXES: Readonly<
  Record<PrometheusConfig['translation_strategy'], Omit<NameTranslation, 'namespace'>>
> = {
  UnderscoreEscapingWithSuffixes: { suffixes: true, utf8: false },
  UnderscoreEscapingWithoutSuffixes: { suffixes: false, utf8: false },
  NoUTF8EscapingWithSuffixes: { suffixes: true, utf8: true },
  NoTranslation: { suffixes: false, utf8: true },
};

interface Source extends PageSource {
  overflowed: number;
}

/** Holds the cumulative series of its connectors and serves them. */
export class PrometheusExporter implements Component {
  readonly id: string;
  readonly #config: PrometheusConfig;
  readonly #context: MainContext;
  readonly #translation: NameTranslation;
  readonly #room: SeriesRoom;
  readonly #targets: Targets;
  /** By connector. */
  readonly #sources = new Map<string, Source>();
  /** Pages that are rendered or wait for their turn, by what they are asked for as. */
  readonly #pages = new Map<string, Promise<Buffer>>();
  #lastPage: Promise<unknown> = Promise.resolve();
  #isRendering = false;
  /** What came while a page was rendered: a page shows one moment. */
  readonly #held: (() => void)[] = [];
  readonly #series: Gauge;
  readonly #overflow: Counter;
  readonly #scrapes: Counter;

  constructor(config: PrometheusConfig, context: MainContext) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#translation = { ...SUFFIXES[config.translation_strategy], namespace: config.namespace };
    this.#room = { limit: config.max_series, used: 0 };
    this.#targets = new Targets(this.#translation.utf8, config.max_series);
    const labels = { exporter: context.id };
    this.#series = context.instruments.gauge('spanweir_prometheus_series', labels);
    this.#overflow = context.instruments.counter('spanweir_prometheus_overflow_total', labels);
    this.#scrapes = context.instruments.counter('spanweir_prometheus_scrapes_total', labels);
    for (const connector of context.redInputs) {
      context.onRed(connector, (lane, delta, keys) => this.#take(connector, lane, delta, keys));
    }
  }

  /** @throws SpanweirError CONFIG when two connectors would show metrics of one name. */
  async start(): Promise<void> {
    const owners = new Map<string, string>();
    for (const connector of this.#context.redInputs) {
      const { names } = this.#source(connector);
      const owner = owners.get(names.calls);
      if (owner !== undefined) {
        throw new SpanweirError(
          'CONFIG',
          `exporters.${this.id}: connectors ${owner} and ${connector} both make ${names.calls}; ` +
            'give one of them another namespace, or each an exporter of its own',
        );
      }
      owners.set(names.calls, connector);
    }
    const { endpoint, tls } = this.#config;
    const address = {
      ...endpoint,
      tls: tls && serverTlsOf(tls),
    };
    const routes = this.#context.listeners.http(address, `exporters.${this.id}.endpoint`);
    routes.route('/metrics', (request, response) => this.#answer(request, response));
    this.#context.health.report('ok');
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#pages.values());
  }

  #source(connector: string): Source {
    const known = this.#sources.get(connector);
    if (known !== undefined) return known;
    const peer = this.#context.peer(`connector:${connector}`);
    if (!isRedDescribed(peer)) {
      throw new SpanweirError('CONFIG', `exporters.${this.id}: connector ${connector} makes no RED metrics`);
    }
    const labels = new SeriesLabels(peer.red, {
      utf8: this.#translation.utf8,
      constLabels: this.#config.const_labels,
      scopeInfo: !this.#config.without_scope_info,
    });
    const bucketCount = peer.red.bounds === undefined ? 0 : peer.red.bounds.length + 1;
    const source: Source = {
      description: peer.red,
      names: metricNames(peer.red, this.#translation),
      store: new SeriesStore(labels, bucketCount, this.#room),
      overflowed: 0,
    };
    this.#sources.set(connector, source);
    return source;
  }

  #take(connector: string, lane: number, delta: RedDelta, keys: readonly SeriesKey[]): void {
    if (this.#isRendering) {
      this.#held.push(() => this.#apply(connector, lane, delta, keys));
      return;
    }
    this.#apply(connector, lane, delta, keys);
  }

  #apply(connector: string, lane: number, delta: RedDelta, keys: readonly SeriesKey[]): void {
    const source = this.#source(connector);
    source.store.apply(lane, delta, keys);
    this.#targets.add(delta.newResources);
    this.#series.set(this.#room.used);
    this.#overflow.add(source.store.overflowedCalls - source.overflowed);
    source.overflowed = source.store.overflowedCalls;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    this.#scrapes.add(1);
    const format = negotiate(request.headers.accept, this.#config.enable_open_metrics);
    const gzipped = acceptsGzip(request.headers['accept-encoding']);
    const headers = {
      ...this.#config.response_headers,
      'content-type': contentType(format),
      vary: 'accept, accept-encoding',
    };
    if (request.method === 'HEAD') {
      response.writeHead(200, headers).end();
      return;
    }
    const page = await this.#page(format);
    if (gzipped) {
      response.writeHead(200, { ...headers, 'content-encoding': 'gzip', 'content-length': page.length });
      response.end(page);
      return;
    }
    response.writeHead(200, headers);
    await pipeline(Readable.from([page]), createGunzip({ chunkSize: 1 << 18 }), response).catch(
      (error: unknown) => {
        this.#context.log.debug({ error: toError(error).message }, 'a scraper went away');
      },
    );
  }

  /** Gzipped. Scrapes that come before a page is ready share it; it is not kept any longer. */
  #page(format: Format): Promise<Buffer> {
    const key = contentType(format);
    const running = this.#pages.get(key);
    if (running !== undefined) return running;
    // One at a time, so that what was held meanwhile gets its turn.
    const page = this.#lastPage.then(() => this.#render(format)).finally(() => this.#pages.delete(key));
    this.#lastPage = page.catch(() => undefined);
    this.#pages.set(key, page);
    return page;
  }

  async #render(format: Format): Promise<Buffer> {
    this.#isRendering = true;
    try {
      for (const { store } of this.#sources.values()) await store.prepare(format.escaping);
      return await gzipPage(
        renderPage({
          format,
          sources: [...this.#sources.values()],
          targets: this.#targets.bodies(format.escaping),
          targetInfo: this.#targetInfo(),
          timestampMs: this.#config.send_timestamps ? this.#context.clock.wallMs() : undefined,
        }),
      );
    } finally {
      this.#isRendering = false;
      for (const apply of this.#held.splice(0)) apply();
    }
  }

  #targetInfo(): string {
    const [first] = this.#sources.values();
    return first?.names.targetInfo ?? 'target_info';
  }
}
