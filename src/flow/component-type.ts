import type { ZodType } from 'zod';
import type { SpanBatch } from '../span/span-batch.ts';
import type { CreateMain } from './host.ts';
import type {
  CreateBlockSink,
  CreateLaneReceiver,
  LaneContext,
  RedConnector,
  ThroughputProcessor,
} from './lane.ts';

/**
 * One row of the table of components (app/components.ts). Each component's folder exports one from its
 * component.ts; its config.ts holds the zod schema with defaults and descriptions, from which the
 * reference in docs/config.md is generated.
 */
export type ComponentType =
  | ReceiverType
  | ProcessorType
  | ConnectorType
  | TapConnectorType
  | ExporterType
  | ExtensionType;

interface Common<C> {
  /** As users write it. */
  readonly type: string;
  /** Old names that are accepted too. */
  readonly aliases?: readonly string[];
  /** One sentence for `spanweir components` and the reference. */
  readonly description: string;
  readonly config: ZodType<C>;
  readonly createMain?: CreateMain<C>;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds components of many config types.
type AnyConfig = any;

export interface ReceiverType<C = AnyConfig> extends Common<C> {
  readonly kind: 'receiver';
  readonly createLane?: CreateLaneReceiver<C>;
}

export interface ProcessorType<C = AnyConfig> extends Common<C> {
  readonly kind: 'processor';
  readonly createLane: (config: C, context: LaneContext) => ThroughputProcessor;
}

export interface ConnectorType<C = AnyConfig> extends Common<C> {
  readonly kind: 'connector';
  readonly createLane: (config: C, context: LaneContext, wants: ConnectorWants) => RedConnector;
}

/** A connector that makes no rows of a block. */
export interface TapConnectorType<C = AnyConfig> extends Common<C> {
  readonly kind: 'connector';
  /** Looks at the spans of blocks whose commit is acknowledged, and speaks of them to its main half. */
  readonly createTap: (config: C, context: LaneContext) => (batch: SpanBatch) => void;
}

/** What those who get a connector's rows read of them. */
export interface ConnectorWants {
  /** Exponential histograms. */
  readonly histograms: boolean;
}

export interface ExporterType<C = AnyConfig> extends Common<C> {
  readonly kind: 'exporter';
  readonly signals: readonly ('traces' | 'metrics')[];
  /** It reads the exponential histograms of RED rows. */
  readonly readsHistograms?: true;
  readonly createLane?: CreateBlockSink<C>;
}

export interface ExtensionType<C = AnyConfig> extends Common<C> {
  readonly kind: 'extension';
  /** It provides what exporters write to. */
  readonly startsBeforeExporters?: true;
  /** It reads the exponential histograms of RED deltas. */
  readonly readsHistograms?: true;
}
