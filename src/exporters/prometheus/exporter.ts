import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Component, Deadline } from '../../base/component.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter, Gauge, Timer } from '../../base/instruments.ts';
import { serverTlsOf } from '../../base/schema.ts';
import type { MainContext } from '../../flow/host.ts';
import { hasPlainFamilies } from '../../flow/plain-families.ts';
import { isRedDescribed } from '../../red/red-description.ts';
import type { RedDelta } from '../../red/red-rows.ts';
import type { PrometheusConfig } from './config.ts';
import { KeptPages } from './kept-pages.ts';
import { metricNames, type NameTranslation } from './names.ts';
import { acceptsGzip, contentType, negotiate } from './negotiate.ts';
import { renderPage } from './page.ts';
import type { PageRequest } from './page-request.ts';
import { type Page, Pages, type PageWish, readUntilClosed } from './pages.ts';
import { PlainSource } from './plain-source.ts';
import { type LaneKeys, RedSource } from './red-source.ts';
import { ResourceUse } from './resource-use.ts';
import { type Scraper, Scrapers } from './scrapers.ts';
import type { Moment, SeriesRoom } from './series-store.ts';
import { Targets } from './targets.ts';
import { packedPage, plainPage } from './whole-page.ts';

/** How often the oldest series are looked for, at most; a scrape looks, and so does what comes in. */
const SWEEP_MS = 1000;
const POLL_MS = 50;
/** Of a page that is held unpacked: some 250,000 lines. */
const MOST_PLAIN_BYTES = 64 * 1024 ** 2;

const SUFFIXES: Readonly<
  Record<PrometheusConfig['translation_strategy'], Omit<NameTranslation, 'namespace'>>
> = {
  UnderscoreEscapingWithSuffixes: { suffixes: true, utf8: false },
  UnderscoreEscapingWithoutSuffixes: { suffixes: false, utf8: false },
  NoUTF8EscapingWithSuffixes: { suffixes: true, utf8: true },
  NoTranslation: { suffixes: false, utf8: true },
};

/** Holds the cumulative series of its connectors and serves them. */
export class PrometheusExporter implements Component {
  readonly id: string;
  readonly #config: PrometheusConfig;
  readonly #context: MainContext;
  readonly #translation: NameTranslation;
  readonly #room: SeriesRoom;
  readonly #resources = new ResourceUse();
  readonly #targets: Targets;
  /** By connector. */
  readonly #sources = new Map<string, RedSource>();
  readonly #plain = new Map<string, PlainSource>();
  readonly #pages: Pages;
  readonly #kept = new KeptPages(MOST_PLAIN_BYTES);
  readonly #scrapers = new Scrapers();
  #isRendering = false;
  /** What came while a page was rendered: a page shows one moment. */
  readonly #held: (() => void)[] = [];
  #sweptMs = 0;
  readonly #series: Gauge;
  readonly #overflow: Counter;
  readonly #scrapes: Counter;
  readonly #durations: Timer;

  constructor(config: PrometheusConfig, context: MainContext) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#translation = { ...SUFFIXES[config.translation_strategy], namespace: config.namespace };
    this.#room = { limit: config.max_series, used: 0, overflow: 0, births: 0 };
    this.#targets = new Targets(this.#translation.utf8, config.max_series, this.#resources);
    this.#pages = new Pages(context.clock, (wish) => this.#render(wish));
    const labels = { exporter: context.id };
    this.#series = context.instruments.gauge('spanweir_prometheus_series', labels);
    this.#overflow = context.instruments.counter('spanweir_prometheus_overflow_total', labels);
    this.#scrapes = context.instruments.counter('spanweir_prometheus_scrapes_total', labels);
    this.#durations = context.instruments.timer('spanweir_prometheus_scrape_duration_seconds', labels);
    for (const connector of context.redInputs) {
      context.onRed(connector, (lane, delta, spans, events = []) =>
        this.#take(connector, lane, delta, { spans, events }),
      );
    }
  }

  /** @throws SpanweirError CONFIG when two connectors would show metrics of one name. */
  async start(): Promise<void> {
    const owners = new Map<string, string>();
    for (const connector of this.#context.redInputs) {
      const [name = ''] = this.#plainSource(connector)?.names ?? [this.#source(connector).names.calls];
      const owner = owners.get(name);
      if (owner !== undefined) {
        throw new SpanweirError(
          'CONFIG',
          `exporters.${this.id}: connectors ${owner} and ${connector} both make ${name}; ` +
            'give one of them another namespace, or each an exporter of its own',
        );
      }
      owners.set(name, connector);
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

  /** Waits for the last scrape of everyone who scrapes, if that is asked for. */
  async drained({ signal }: Deadline): Promise<void> {
    const { clock } = this.#context;
    const since = clock.monotonicMs();
    const end = since + this.#config.final_scrape_wait;
    while (clock.monotonicMs() < end && !signal.aborted && !this.#scrapers.haveAllComeSince(since)) {
      await clock.sleep(POLL_MS, signal);
    }
  }

  async stop(): Promise<void> {
    await this.#pages.settled();
  }

  /** Of a connector that counts for itself. */
  #plainSource(connector: string): PlainSource | undefined {
    const peer = this.#context.peer(`connector:${connector}`);
    if (!hasPlainFamilies(peer)) return undefined;
    const source = new PlainSource(peer, {
      utf8: this.#translation.utf8,
      constLabels: this.#config.const_labels,
      scopeInfo: !this.#config.without_scope_info,
      translation: this.#translation,
      room: this.#room,
    });
    this.#plain.set(connector, source);
    return source;
  }

  #source(connector: string): RedSource {
    const known = this.#sources.get(connector);
    if (known !== undefined) return known;
    const peer = this.#context.peer(`connector:${connector}`);
    if (!isRedDescribed(peer)) {
      throw new SpanweirError('CONFIG', `exporters.${this.id}: connector ${connector} makes no RED metrics`);
    }
    const source = new RedSource(peer.red, {
      utf8: this.#translation.utf8,
      constLabels: this.#config.const_labels,
      scopeInfo: !this.#config.without_scope_info,
      profile: this.#config.profile,
      translation: this.#translation,
      metricExpirationMs: this.#config.metric_expiration,
      room: this.#room,
      resources: this.#resources,
    });
    this.#sources.set(connector, source);
    return source;
  }

  #now(): Moment {
    const { clock } = this.#context;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }

  /** A promise where the delta has to wait for a page. */
  #take(connector: string, lane: number, delta: RedDelta, keys: LaneKeys): Promise<void> | undefined {
    const now = this.#now();
    const source = this.#source(connector);
    const apply = (): void => {
      this.#sweep(now);
      const overflowed = source.calls.overflowedCalls;
      source.apply(lane, delta, keys, now);
      if (source.showsResources) this.#targets.add(delta.newResources);
      this.#series.set(this.#room.used);
      this.#overflow.add(source.calls.overflowedCalls - overflowed);
    };
    if (this.#isRendering) return new Promise((resolve) => this.#held.push(() => resolve(apply())));
    apply();
    return undefined;
  }

  #sweep({ monotonicMs }: Moment): void {
    if (monotonicMs - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = monotonicMs;
    for (const source of this.#sources.values()) source.expire(monotonicMs);
    this.#kept.sweep(monotonicMs);
    this.#series.set(this.#room.used);
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
    const begunMs = this.#context.clock.monotonicMs();
    const scraper = this.#scraper(request);
    const seen = this.#showsZeros ? scraper.seen : Number.POSITIVE_INFINITY;
    const page = await this.#pages.get({ format, seen, gzipped });
    readUntilClosed(page, response);
    // Who did not get the page has not seen what is new in it.
    response.once('finish', () => {
      scraper.seen = Math.max(scraper.seen, page.births);
      this.#durations.record((this.#context.clock.monotonicMs() - begunMs) / 1000);
    });
    await this.#send(response, page, { headers, gzipped });
  }

  get #showsZeros(): boolean {
    return this.#config.initial_zero === 'first_scrape';
  }

  #scraper(request: IncomingMessage): Scraper {
    const name = `${request.socket.remoteAddress} ${request.headers['user-agent'] ?? ''}`;
    return this.#scrapers.visit(name, this.#context.clock.monotonicMs(), (youngMs) => {
      if (!this.#showsZeros) return 0;
      const before = this.#context.clock.wallMs() - youngMs;
      const red = [...this.#sources.values()].flatMap((source) => source.stores);
      const stores = [...red, ...this.#plain.values()];
      return stores.reduce((most, store) => Math.max(most, store.birthsBefore(before)), 0);
    });
  }

  async #send(
    response: ServerResponse,
    { gzipped: isPacked, parts }: Page,
    { headers, gzipped }: { readonly headers: Record<string, string>; readonly gzipped: boolean },
  ): Promise<void> {
    if (isPacked && !gzipped) {
      response.writeHead(200, headers);
      await pipeline(Readable.from(parts), createGunzip({ chunkSize: 1 << 18 }), response).catch(
        (error: unknown) => {
          this.#context.log.debug({ error: toError(error).message }, 'a scraper went away');
        },
      );
      return;
    }
    const length = parts.reduce((bytes, part) => bytes + part.length, 0);
    const encoding = isPacked ? { 'content-encoding': 'gzip' } : {};
    response.writeHead(200, { ...headers, ...encoding, 'content-length': length });
    response.cork();
    for (const part of parts) response.write(part);
    response.end();
    response.uncork();
  }

  async #render({ format, gzipped, seen }: PageWish): Promise<Page> {
    this.#isRendering = true;
    try {
      this.#sweep(this.#now());
      const kind = format.protobuf ? (`protobuf ${format.escaping}` as const) : format.escaping;
      const plain = [...this.#plain.values()].flatMap((source) => source.shown(kind));
      const { births } = this.#room;
      for (const source of this.#sources.values()) {
        for (const store of source.stores) await store.prepare(kind);
      }
      const request: PageRequest = {
        format,
        sources: [...this.#sources.values()],
        plain,
        targets: format.protobuf
          ? this.#targets.labelPairs(format.escaping)
          : this.#targets.bodies(format.escaping),
        targetInfo: this.#targetInfo(),
        timestampMs: this.#config.send_timestamps ? this.#context.clock.wallMs() : undefined,
        created: this.#config.created_timestamps,
        seen,
      };
      const kept = await this.#kept.of(request, this.#now().monotonicMs, !gzipped);
      if (kept !== undefined && !gzipped) return { parts: kept.parts, gzipped, births, lent: kept };
      const page = gzipped
        ? await packedPage(kept?.parts ?? renderPage(request))
        : await plainPage(renderPage(request), MOST_PLAIN_BYTES);
      return { ...page, births };
    } finally {
      this.#isRendering = false;
      for (const apply of this.#held.splice(0)) apply();
    }
  }

  #targetInfo(): string {
    const [first] = this.#sources.values();
    const { targetInfo } =
      first?.names ?? metricNames({ namespace: '', unit: 'ms' }, this.#translation, this.#config.profile);
    return targetInfo;
  }
}
