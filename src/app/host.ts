import type { Component, ComponentContext } from '../base/component.ts';
import type { ConfiguredComponent, LoadedConfig } from '../config/loaded-config.ts';
import type { ComponentType } from '../flow/component-type.ts';
import type { Ingress, Listeners, MainContext, RedHandler } from '../flow/host.ts';
import { freeWhenTaken } from '../red/delta-buffers.ts';
import type { RedDelta } from '../red/red-rows.ts';
import { SeriesKeys } from '../red/series-keys.ts';
import { componentType } from './components.ts';

export type Kind = ComponentType['kind'];

export interface HostDeps {
  readonly listeners: Listeners;
  readonly contextFor: (key: string, id: string) => ComponentContext;
  readonly ingressFor: (receiver: string) => Ingress;
  /** What the host itself offers to components, by id. */
  readonly peers: Readonly<Record<string, unknown>>;
}

/** The main halves of all components, and how lanes and components reach them. */
export class Host {
  readonly #config: LoadedConfig;
  readonly #deps: HostDeps;
  /** By `kind:id`, in the order in which they start. */
  readonly #components = new Map<string, Component>();
  /** By `kind:id`, since a receiver and an exporter may have one id. */
  readonly #messageHandlers = new Map<string, (lane: number, message: unknown) => void>();
  readonly #redHandlers = new Map<string, RedHandler[]>();
  /** By connector, then by the lane's life: who its series are. */
  readonly #series = new Map<string, Map<number, LaneKeys>>();

  constructor(config: LoadedConfig, deps: HostDeps) {
    this.#config = config;
    this.#deps = deps;
    for (const [kind, id, component] of startOrder(config)) this.#create(kind, id, component);
  }

  /** Connectors whose rows somebody wants. */
  get redWanted(): string[] {
    return [...this.#redHandlers.keys()];
  }

  /** From the last sink to the first source. */
  get components(): Component[] {
    return [...this.#components.values()];
  }

  /** `component` is `kind:id`. */
  post(life: number, component: string, message: unknown): void {
    this.#messageHandlers.get(component)?.(life, message);
  }

  /** The columns of `delta` are gone when everyone who is told of it has taken what it needs. */
  red(life: number, connector: string, delta: RedDelta): void {
    const lives = this.#series.get(connector) ?? new Map<number, LaneKeys>();
    this.#series.set(connector, lives);
    const known = lives.get(life) ?? { spans: new SeriesKeys(), events: new SeriesKeys() };
    lives.set(life, known);
    learn(known.spans, delta);
    if (delta.events !== undefined) learn(known.events, delta.events);
    const handlers = this.#redHandlers.get(connector) ?? [];
    freeWhenTaken(
      delta,
      handlers.map((handler) => handler(life, delta, known.spans, known.events)),
    );
  }

  /** The lane's thread has ended: nothing will refer to its series any more. */
  forget(life: number): void {
    for (const lives of this.#series.values()) lives.delete(life);
  }

  #create(kind: Kind, id: string, component: ConfiguredComponent): void {
    const { createMain } = componentType(kind, component);
    if (createMain === undefined) return;
    const key = `${kind}:${id}`;
    const context: MainContext = {
      ...this.#deps.contextFor(key, id),
      listeners: this.#deps.listeners,
      ingress: this.#deps.ingressFor(id),
      onLaneMessage: (handler) => this.#messageHandlers.set(key, handler),
      onRed: (connector, handler) => {
        this.#redHandlers.set(connector, [...(this.#redHandlers.get(connector) ?? []), handler]);
      },
      redInputs: kind === 'exporter' ? redInputs(this.#config, id) : [],
      peer: (other) => this.#components.get(other) ?? this.#deps.peers[other],
    };
    this.#components.set(key, createMain(component.config, context));
  }
}

/** Who the series of one connector in one lane's life are. */
interface LaneKeys {
  readonly spans: SeriesKeys;
  readonly events: SeriesKeys;
}

/** By place: each receiver's folder tells of all series of a connector. */
function learn(
  keys: SeriesKeys,
  { firstNewSeries, newSeries }: Pick<RedDelta, 'firstNewSeries' | 'newSeries'>,
): void {
  newSeries.forEach((key, i) => {
    keys.set(firstNewSeries + i, key);
  });
}

function redInputs({ connectors, service }: LoadedConfig, exporter: string): string[] {
  const own = service.pipelines.filter((p) => p.signal === 'metrics' && p.exporters.includes(exporter));
  return [...new Set(own.flatMap((p) => p.receivers))].filter((id) => id in connectors);
}

type Row = readonly [Kind, string, ConfiguredComponent];

/** Databases first, then exporters, connectors, the other extensions, and receivers last. */
function startOrder(config: LoadedConfig): Row[] {
  const { service } = config;
  const rows = (kind: Kind, components: Readonly<Record<string, ConfiguredComponent>>): Row[] =>
    Object.entries(components).map(([id, component]) => [kind, id, component]);
  const extensions = service.extensions.map(
    (id): Row => ['extension', id, config.extensions[id] as ConfiguredComponent],
  );
  const isFirst = ([kind, , component]: Row): boolean => {
    const type = componentType(kind, component);
    return type.kind === 'extension' && type.startsBeforeExporters === true;
  };
  return [
    ...extensions.filter(isFirst),
    ...rows('exporter', config.exporters),
    ...rows('connector', config.connectors),
    ...rows('processor', config.processors),
    ...extensions.filter((row) => !isFirst(row)),
    ...rows('receiver', config.receivers),
  ];
}
