import type { Override } from '../adaptive/options.ts';
import type { StrategySnapshot } from './snapshot.ts';
import {
  type FileStrategies,
  type FileStrategy,
  fileStrategy,
  type StrategiesFile,
} from './strategies-file.ts';
import type { OperationStrategy, Strategy } from './strategy.ts';

/** What a file and the adaptive algorithm come to together. */
export interface Combination {
  readonly file: StrategiesFile | null;
  /** What the file alone comes to. */
  readonly strategies: FileStrategies;
  readonly defaultProbability: number;
  /** In one reply: what the file names comes first. */
  readonly maxOperations: number;
}

/**
 * The file pins what it names, the rest is adaptive. A service with a type of its own is pinned whole; one that only
 * lists operations has those pinned. The file's default strategy pins the default probability and the operations
 * that it lists, wherever a service does not say otherwise.
 */
export class FilePins {
  readonly #combination: Combination;
  readonly #services = new Map<string, FileStrategy>();
  readonly #defaultOperations: ReadonlyMap<string, number>;
  readonly #defaultRate: number | undefined;
  /** A strategy that did not change stays the same object, with the bytes that it was encoded to. */
  readonly #pinned = new Map<string, WeakMap<Strategy, Strategy>>();
  readonly #pinnedByDefault = new WeakMap<Strategy, Strategy>();

  constructor(combination: Combination) {
    this.#combination = combination;
    for (const each of combination.file?.service_strategies ?? []) {
      if (each !== null) this.#services.set(each.service ?? '', each);
    }
    const { default_strategy: everyone } = combination.file ?? {};
    this.#defaultOperations = this.#operationsOf(everyone);
    this.#defaultRate = isTyped(everyone)
      ? combination.strategies.fallback.probabilisticSampling?.samplingRate
      : undefined;
  }

  combined(adaptive: StrategySnapshot): StrategySnapshot {
    const { file, strategies } = this.#combination;
    const services = new Map<string, Strategy>();
    for (const [service, strategy] of adaptive.services) {
      if (!this.#services.has(service)) services.set(service, this.#withDefaults(strategy));
    }
    for (const [service, named] of this.#services) {
      const whole = isTyped(named) ? strategies.services.get(service) : undefined;
      services.set(service, whole ?? this.#withOwn(service, named, adaptive));
    }
    const fallback = isTyped(file?.default_strategy)
      ? strategies.fallback
      : this.#withDefaults(adaptive.fallback);
    return { ...adaptive, fallback, services };
  }

  /**
   * What is fixed, for whoever decides on the rest. Of two that fit the first holds; rate limits are none. Names are read
   * as globs too: one with a star in it fixes more than it says, and never less.
   */
  pins(): readonly Override[] {
    const pins: Override[] = [];
    for (const [service, named] of this.#services) {
      for (const [operation, fixedProbability] of this.#operationsOf(named)) {
        pins.push({ service, operation, fixedProbability });
      }
      const strategy = isTyped(named) ? this.#combination.strategies.services.get(service) : undefined;
      const fixedProbability = strategy?.probabilisticSampling?.samplingRate;
      if (fixedProbability !== undefined) pins.push({ service, operation: '*', fixedProbability });
    }
    for (const [operation, fixedProbability] of this.#defaultOperations) {
      pins.push({ service: '*', operation, fixedProbability });
    }
    if (this.#defaultRate !== undefined) {
      pins.push({ service: '*', operation: '', fixedProbability: this.#defaultRate });
    }
    return pins;
  }

  #withDefaults(strategy: Strategy): Strategy {
    const known = this.#pinnedByDefault.get(strategy);
    if (known !== undefined) return known;
    const pinned = this.#overlaid(strategy, this.#defaultOperations);
    this.#pinnedByDefault.set(strategy, pinned);
    return pinned;
  }

  #withOwn(service: string, named: FileStrategy, adaptive: StrategySnapshot): Strategy {
    const strategy = adaptive.services.get(service) ?? adaptive.fallback;
    const cache = this.#pinned.get(service) ?? new WeakMap<Strategy, Strategy>();
    this.#pinned.set(service, cache);
    const known = cache.get(strategy);
    if (known !== undefined) return known;
    const own = this.#operationsOf(named);
    const pinned = this.#overlaid(strategy, new Map([...this.#defaultOperations, ...own]));
    cache.set(strategy, pinned);
    return pinned;
  }

  #overlaid(strategy: Strategy, operations: ReadonlyMap<string, number>): Strategy {
    const { operationSampling } = strategy;
    const rate = this.#defaultRate ?? operationSampling?.defaultSamplingProbability;
    if (operations.size === 0 && this.#defaultRate === undefined) return strategy;
    const samplingRate = rate ?? strategy.probabilisticSampling?.samplingRate ?? 0;
    const named = [...operations].map(([operation, pinnedRate]) => withRate(operation, pinnedRate));
    const rest = (operationSampling?.perOperationStrategies ?? []).filter(
      (each) => !operations.has(each.operation),
    );
    return {
      ...strategy,
      ...(strategy.probabilisticSampling === undefined ? {} : { probabilisticSampling: { samplingRate } }),
      operationSampling: {
        defaultSamplingProbability: samplingRate,
        defaultLowerBoundTracesPerSecond: operationSampling?.defaultLowerBoundTracesPerSecond ?? 0,
        perOperationStrategies: [...named, ...this.#fitting(rest, named.length)],
        defaultUpperBoundTracesPerSecond: operationSampling?.defaultUpperBoundTracesPerSecond ?? 0,
      },
    };
  }

  #fitting(rest: readonly OperationStrategy[], taken: number): readonly OperationStrategy[] {
    const room = Math.max(0, this.#combination.maxOperations - taken);
    if (rest.length <= room) return rest;
    const lowest = rest
      .toSorted((a, b) => a.probabilisticSampling.samplingRate - b.probabilisticSampling.samplingRate)
      .slice(0, room);
    const kept = new Set(lowest);
    return rest.filter((each) => kept.has(each));
  }

  #operationsOf(strategy: FileStrategy | null | undefined): ReadonlyMap<string, number> {
    const rates = new Map<string, number>();
    for (const each of strategy?.operation_strategies ?? []) {
      if (each === null) continue;
      const { probabilisticSampling } = fileStrategy(each, this.#combination.defaultProbability, () => {});
      // The file's own reading warned about the others: only probabilities hold for operations.
      if (probabilisticSampling) rates.set(each.operation ?? '', probabilisticSampling.samplingRate);
    }
    return rates;
  }
}

/** Whether a strategy says something about more than the operations that it lists. */
export function isTyped(strategy: FileStrategy | null | undefined): boolean {
  return (strategy?.type ?? '') !== '';
}

function withRate(operation: string, samplingRate: number): OperationStrategy {
  return { operation, probabilisticSampling: { samplingRate } };
}
