import { startCollector } from '../../scripts/parts/collector.mjs';
import { type Child, startEngine } from '../support/engine.ts';
import { kafkaToPrometheus } from '../support/kafka-to-prometheus.ts';
import type { Session } from '../support/session.ts';

/** One of those that are compared: all run the same file, but for the options named here. */
export interface Side {
  readonly name: string;
  readonly begin: (session: Session, job: Job) => Promise<Child>;
}

export interface Job {
  /** Of its own for every run; the further groups of several readings begin with it. */
  readonly group: string;
  readonly topic: string;
  /** Where /metrics is served. */
  readonly port: number;
  /** How many groups read the topic, each the whole of it. */
  readonly readings: number;
}

export interface OurOptions {
  readonly workers?: number;
  readonly spanMetrics?: object;
  readonly prometheus?: object;
}

export function ours(name = 'spanweir', { workers, ...options }: OurOptions = {}): Side {
  const service = workers === undefined ? {} : { spanweir: { workers } };
  return {
    name,
    begin: (session, job) =>
      startEngine({
        dir: `${session.dir}/${job.group}`,
        config: kafkaToPrometheus({ brokers: session.brokers, ...job, ...options, service }),
      }),
  };
}

/** Flushes every 5 s; `gogc` as of its environment, 100 where it is not given. */
export function collector({
  gogc,
  flush = '5s',
}: {
  readonly gogc?: string;
  readonly flush?: string;
} = {}): Side {
  return {
    name: gogc === undefined ? 'collector' : `collector GOGC=${gogc}`,
    begin: (session, job) =>
      startCollector({
        dir: `${session.dir}/${job.group}`,
        config: kafkaToPrometheus({
          brokers: session.brokers,
          ...job,
          spanMetrics: { metrics_flush_interval: flush },
        }),
        ...(gogc === undefined ? {} : { env: { GOGC: gogc } }),
      }),
  };
}

/** One after the other, over and over: what the machine does beside hits all alike. */
export function* inTurn<T>(sides: readonly T[], repeats: number): Generator<T, void, undefined> {
  for (let repeat = 0; repeat < repeats; repeat++) yield* sides;
}
