import { createListeners, type OpenableListeners } from '../../src/app/listeners.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Deadline } from '../../src/base/component.ts';
import type { Instruments, Log } from '../../src/base/instruments.ts';
import type { Ingress, MainContext, RedHandler } from '../../src/flow/host.ts';
import type { HttpLimits } from '../../src/http/limits.ts';
import { METRICS } from '../../src/telemetry/metrics.ts';

/** Instruments whose values a test can read: `name{label="value"}` -> value. */
export class FakeInstruments implements Instruments {
  readonly values = new Map<string, number>();

  counter(name: string, labels: Readonly<Record<string, string>> = {}) {
    const key = this.#key(name, labels);
    return { add: (n: number) => void this.values.set(key, (this.values.get(key) ?? 0) + n) };
  }

  gauge(name: string, labels: Readonly<Record<string, string>> = {}) {
    const key = this.#key(name, labels);
    return { set: (value: number) => void this.values.set(key, value) };
  }

  timer() {
    return { record: () => {} };
  }

  #key(name: string, labels: Readonly<Record<string, string>>): string {
    const row = METRICS[name];
    if (row === undefined) throw new Error(`undeclared metric ${name}`);
    if (row.labels.join() !== Object.keys(labels).join()) throw new Error(`wrong labels for ${name}`);
    const key = `${name}{${Object.entries(labels)
      .map(([label, value]) => `${label}="${value}"`)
      .join(',')}}`;
    if (!this.values.has(key)) this.values.set(key, 0);
    return key;
  }
}

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export function recordingLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export function within(ms: number): Deadline & { end(): void } {
  const abort = new AbortController();
  const until = Date.now() + ms;
  const timer = setTimeout(() => abort.abort(), ms);
  return {
    signal: abort.signal,
    remainingMs: () => Math.max(0, until - Date.now()),
    end: () => clearTimeout(timer),
  };
}

export interface FakeMain {
  readonly context: MainContext;
  readonly instruments: FakeInstruments;
  readonly log: ReturnType<typeof recordingLog>;
  readonly listeners: OpenableListeners;
  readonly red: Map<string, RedHandler>;
  readonly health: string[];
}

export interface FakeMainOptions {
  readonly id?: string;
  readonly ingress?: Ingress;
  readonly peers?: Readonly<Record<string, unknown>>;
  readonly httpLimits?: Partial<HttpLimits>;
}

/** A MainContext over real listeners and a scripted rest. */
export function fakeMain(options: FakeMainOptions = {}): FakeMain {
  const instruments = new FakeInstruments();
  const log = recordingLog();
  const listeners = createListeners({
    log,
    clock: systemClock,
    instruments,
    httpLimits: options.httpLimits ?? {},
  });
  const red = new Map<string, RedHandler>();
  const health: string[] = [];
  const context: MainContext = {
    id: options.id ?? 'otlp',
    clock: systemClock,
    random: () => 0.5,
    log,
    instruments,
    health: { report: (status) => void health.push(status) },
    listeners,
    ingress: options.ingress ?? (async () => ({ spans: 0, rejectedSpans: 0, message: '' })),
    onLaneMessage: () => undefined,
    onRed: (connectorId, handler) => void red.set(connectorId, handler),
    redInputs: [],
    peer: (id) => options.peers?.[id],
  };
  return { context, instruments, log, listeners, red, health };
}

/** Polls until the condition holds; fails after `ms`. */
export async function eventually(condition: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  const until = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
