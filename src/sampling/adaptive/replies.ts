import { compareText } from '../by-operation.ts';
import type { StrategySnapshot } from '../strategies/snapshot.ts';
import type { OperationStrategy, Strategy } from '../strategies/strategy.ts';
import { FALLBACK, FLAG, type OperationTable, type ServiceEntry } from './operation-table.ts';

/** Makes what is served from the table, a strategy anew only where something of it has changed. */
export class Replies {
  readonly #table: OperationTable;
  readonly #minSamplesPerSecond: number;
  #snapshot: StrategySnapshot;
  #forgotten: string[] = [];

  constructor(table: OperationTable, minSamplesPerSecond: number) {
    this.#table = table;
    this.#minSamplesPerSecond = minSamplesPerSecond;
    this.#snapshot = { version: 0, madeAtMs: 0, fallback: this.#fallback(), services: new Map() };
  }

  /** The service is gone: it has the default of those that nobody knows. */
  forget(service: string): void {
    this.#forgotten.push(service);
  }

  get snapshot(): StrategySnapshot {
    return this.#snapshot;
  }

  /** Takes over what `isDirty` of the services and `table.served` say. */
  publish(nowMs: number): void {
    let services: Map<string, Strategy> | undefined;
    if (this.#forgotten.length > 0) {
      services = new Map(this.#snapshot.services);
      for (const name of this.#forgotten) services.delete(name);
      this.#forgotten = [];
    }
    for (const service of this.#table.serviceList) {
      if (!service.isDirty) continue;
      service.isDirty = false;
      services ??= new Map(this.#snapshot.services);
      services.set(service.name, this.#strategyOf(service));
    }
    const default_ = this.#table.served[FALLBACK] as number;
    const hasFallbackMoved =
      default_ !== this.#snapshot.fallback.operationSampling?.defaultSamplingProbability;
    if (services === undefined && !hasFallbackMoved) return;
    this.#snapshot = {
      version: 0,
      madeAtMs: nowMs,
      fallback: hasFallbackMoved ? this.#fallback() : this.#snapshot.fallback,
      services: services ?? this.#snapshot.services,
    };
  }

  #fallback(): Strategy {
    return strategy(this.#table.served[FALLBACK] as number, this.#minSamplesPerSecond, []);
  }

  #strategyOf(service: ServiceEntry): Strategy {
    const { names, served, flags } = this.#table;
    service.order ??= service.slots.toSorted((a, b) => compareText(names[a] as string, names[b] as string));
    const operations: OperationStrategy[] = [];
    for (const slot of service.order) {
      if (((flags[slot] as number) & FLAG.tail) !== 0) continue;
      const samplingRate = served[slot] as number;
      operations.push({ operation: names[slot] as string, probabilisticSampling: { samplingRate } });
    }
    return strategy(served[service.defaultSlot] as number, service.lowerBound, operations);
  }
}

function strategy(
  probability: number,
  lowerBound: number,
  operations: readonly OperationStrategy[],
): Strategy {
  return {
    strategyType: 'PROBABILISTIC',
    operationSampling: {
      defaultSamplingProbability: probability,
      defaultLowerBoundTracesPerSecond: lowerBound,
      perOperationStrategies: operations,
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}
