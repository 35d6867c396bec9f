import { SpanweirError, toError } from '../../base/errors.ts';
import { goNumber } from './go-number.ts';
import type { OperationSampling, OperationStrategy, Strategy } from './strategy.ts';

/** Strategies as users write them for Jaeger's file provider. Unknown keys are ignored. */
export interface StrategiesFile {
  readonly default_strategy?: FileStrategy | null;
  readonly service_strategies?: readonly (FileStrategy | null)[] | null;
}

export interface FileStrategy {
  readonly service?: string;
  readonly type?: string | null;
  readonly param?: number;
  readonly operation_strategies?: readonly (FileOperation | null)[] | null;
}

export interface FileOperation {
  readonly operation?: string;
  readonly type?: string | null;
  readonly param?: number;
}

export interface FileStrategies {
  readonly fallback: Strategy;
  readonly services: ReadonlyMap<string, Strategy>;
  /** What was not as it should be and how it was taken, in Jaeger's words. */
  readonly warnings: readonly FileWarning[];
}

export interface FileWarning {
  readonly message: string;
  readonly service: string;
  readonly strategy?: unknown;
}

/** @throws SpanweirError BAD_DATA "failed to unmarshal strategies: ..." */
export function parseStrategiesFile(text: string): StrategiesFile | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unmarshalError(toError(error).message);
  }
  if (value === null) return null;
  if (kindOf(value) !== 'object') throw wrongKind(value, 'value of type file.strategies');
  const { default_strategy: fallback, service_strategies: services } = value as Record<string, unknown>;
  if (fallback !== undefined && fallback !== null) checkStrategy(fallback, 'default_strategy');
  checkList(services, 'service_strategies', checkStrategy);
  return value as StrategiesFile;
}

/** What a file comes to; null (or none) means the default probability for everyone. */
export function fileStrategies(file: StrategiesFile | null, defaultProbability: number): FileStrategies {
  const warnings: FileWarning[] = [];
  const inherited = file?.default_strategy
    ? serviceStrategy(file.default_strategy, 'default', defaultProbability, warnings)
    : probabilistic(defaultProbability);
  const services = new Map<string, Strategy>();
  for (const each of file?.service_strategies ?? []) {
    if (each === null) continue;
    const service = each.service ?? '';
    const own = serviceStrategy(each, service, defaultProbability, warnings);
    services.set(service, withInherited(own, inherited.operationSampling));
  }
  return { fallback: inherited, services, warnings };
}

/** One type and param; anything unknown is the default probability, with a warning. */
export function fileStrategy(
  strategy: FileOperation,
  defaultProbability: number,
  warn: (message: string) => void,
): Strategy {
  const param = strategy.param ?? 0;
  if (strategy.type === 'probabilistic') return probabilistic(param);
  if (strategy.type === 'ratelimiting') {
    return {
      strategyType: 'RATE_LIMITING',
      rateLimitingSampling: { maxTracesPerSecond: truncatedInt32(param) },
    };
  }
  warn('Failed to parse sampling strategy');
  return probabilistic(defaultProbability);
}

function serviceStrategy(
  strategy: FileStrategy,
  service: string,
  defaultProbability: number,
  warnings: FileWarning[],
): Strategy {
  const warn = (message: string): void => void warnings.push({ message, service, strategy });
  const own = fileStrategy(strategy, defaultProbability, warn);
  const listed = strategy.operation_strategies ?? [];
  if (listed.length === 0) return own;
  const perOperationStrategies: OperationStrategy[] = [];
  for (const each of listed) {
    if (each === null) continue;
    const { probabilisticSampling } = fileStrategy(each, defaultProbability, warn);
    if (probabilisticSampling === undefined) {
      warn(
        `Operation strategies only supports probabilistic sampling at the moment,'${each.operation ?? ''}' ` +
          `defaulting to probabilistic sampling with probability ${goNumber(defaultProbability)}`,
      );
      continue;
    }
    perOperationStrategies.push({ operation: each.operation ?? '', probabilisticSampling });
  }
  return {
    ...own,
    operationSampling: {
      defaultSamplingProbability: own.probabilisticSampling?.samplingRate ?? defaultProbability,
      defaultLowerBoundTracesPerSecond: 0,
      perOperationStrategies,
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

/** A service's own operations first, then those of the default that it does not name. */
function withInherited(own: Strategy, inherited: OperationSampling | undefined): Strategy {
  if (inherited === undefined) return own;
  if (own.operationSampling === undefined) {
    const defaultSamplingProbability =
      own.probabilisticSampling?.samplingRate ?? inherited.defaultSamplingProbability;
    return { ...own, operationSampling: { ...inherited, defaultSamplingProbability } };
  }
  const listed = own.operationSampling.perOperationStrategies;
  const named = new Set(listed.map((each) => each.operation));
  const rest = inherited.perOperationStrategies.filter((each) => !named.has(each.operation));
  return {
    ...own,
    operationSampling: { ...own.operationSampling, perOperationStrategies: [...listed, ...rest] },
  };
}

function probabilistic(samplingRate: number): Strategy {
  return { strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate } };
}

function truncatedInt32(param: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(param))) + 0;
}

function checkStrategy(value: unknown, path: string): void {
  if (kindOf(value) !== 'object') throw wrongKind(value, `struct field ${path} of type file.serviceStrategy`);
  checkOperation(value, path);
  const fields = value as Record<string, unknown>;
  checkField(fields.service, `${path}.service`, 'string', 'string');
  checkList(fields.operation_strategies, `${path}.operation_strategies`, checkOperation);
}

function checkOperation(value: unknown, path: string): void {
  if (kindOf(value) !== 'object')
    throw wrongKind(value, `struct field ${path} of type file.operationStrategy`);
  const fields = value as Record<string, unknown>;
  checkField(fields.operation, `${path}.operation`, 'string', 'string');
  checkField(fields.type, `${path}.type`, 'string', 'string');
  checkField(fields.param, `${path}.param`, 'number', 'float64');
}

function checkList(value: unknown, path: string, check: (item: unknown, path: string) => void): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) throw wrongKind(value, `struct field ${path} of type []file.strategy`);
  for (const item of value as unknown[]) if (item !== null) check(item, path);
}

function checkField(value: unknown, path: string, kind: string, type: string): void {
  if (value === undefined || value === null || kindOf(value) === kind) return;
  throw wrongKind(value, `struct field ${path} of type ${type}`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function wrongKind(value: unknown, into: string): SpanweirError {
  return unmarshalError(`json: cannot unmarshal ${kindOf(value)} into Go ${into}`);
}

function unmarshalError(detail: string): SpanweirError {
  return new SpanweirError('BAD_DATA', `failed to unmarshal strategies: ${detail}`);
}
