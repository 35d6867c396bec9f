import type { WeigherOptions } from '../span/weigher.ts';

/**
 * A configuration that passed every check: plain data (it is cloned into the lanes), defaults filled in,
 * durations in ms, endpoints split. Component configs have the output type of their own zod schema.
 */
export interface LoadedConfig {
  /** Only what a pipeline (or service.extensions) uses. */
  readonly receivers: Readonly<Record<string, ConfiguredComponent>>;
  readonly processors: Readonly<Record<string, ConfiguredComponent>>;
  readonly connectors: Readonly<Record<string, ConfiguredComponent>>;
  readonly exporters: Readonly<Record<string, ConfiguredComponent>>;
  readonly extensions: Readonly<Record<string, ConfiguredComponent>>;
  readonly service: LoadedService;
  /** Told at the start: options that are taken but treated otherwise, components that nothing uses. */
  readonly warnings: readonly string[];
}

export interface ConfiguredComponent {
  /** The registered type (never an alias). */
  readonly type: string;
  readonly config: unknown;
}

export interface LoadedService {
  /** In the order of the file. */
  readonly extensions: readonly string[];
  readonly pipelines: readonly LoadedPipeline[];
  readonly telemetry: {
    readonly metrics: {
      readonly level: 'none' | 'basic' | 'normal' | 'detailed';
      readonly host: string;
      readonly port: number;
      /** The config path that says where. */
      readonly option: string;
    };
    readonly logs: {
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly encoding: 'json' | 'console';
    };
  };
  readonly spanweir: EngineSettings;
}

export interface LoadedPipeline {
  readonly id: string;
  readonly signal: 'traces' | 'metrics';
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** `service.spanweir`: what the collector has no word for. */
export interface EngineSettings {
  /** Ingest threads. */
  readonly workers: number;
  readonly block: {
    readonly maxSpans: number;
    readonly maxBytes: number;
    /** Longest time that a record waits for its block to fill, ms. */
    readonly lingerMs: number;
    /** Per lane: blocks that are open or on their way, bytes. A source waits beyond it. */
    readonly maxInFlightBytes: number;
  };
  readonly timestamps: { readonly maxPastMs: number; readonly maxFutureMs: number };
  /** How it is known what a sampled span stands for. */
  readonly weights: WeigherOptions;
  readonly shutdownTimeoutMs: number;
  /** After this long without a sign of life an ingest thread is replaced; 0 = never. */
  readonly watchdogMs: number;
  /** Largest heap of one ingest thread. */
  readonly workerHeapBytes: number;
}
