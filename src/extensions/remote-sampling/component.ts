import { SpanweirError } from '../../base/errors.ts';
import type { ExtensionType } from '../../flow/component-type.ts';
import type { MainContext } from '../../flow/host.ts';
import { PollerRegistry } from '../../sampling/pollers/pollers.ts';
import type { DecidedOperation } from '../../sampling/store/store.ts';
import type { AdaptiveConfig } from './adaptive/adaptive-config.ts';
import { accompanied, adaptiveParts } from './adaptive/adaptive-parts.ts';
import { type AdaptiveDeps, AdaptiveProvider } from './adaptive/adaptive-provider.ts';
import { ControlLoop } from './adaptive/control-loop.ts';
import { DecisionLog } from './adaptive/decision-log.ts';
import { type RemoteSamplingConfig, remoteSamplingConfig } from './config.ts';
import type { ControlTopicConfig } from './ha/config.ts';
import { ReplicatedProvider } from './ha/replicated-provider.ts';
import { RemoteSampling, type RemoteSamplingParts } from './remote-sampling.ts';
import { type CombinedProvider, combineWithFile } from './sources/combined-provider.ts';
import { createFileProvider } from './sources/file-provider.ts';
import { createSourceProvider } from './sources/source-provider.ts';
import type { StrategyProvider } from './strategy-provider.ts';

export const remoteSamplingExtension: ExtensionType<RemoteSamplingConfig> = {
  kind: 'extension',
  type: 'remote_sampling',
  description: 'Tells SDKs what to sample: adaptively, or from a file; over HTTP and gRPC.',
  config: remoteSamplingConfig,
  createMain: (config, context) => {
    const pollers = new PollerRegistry();
    return new RemoteSampling(config, context, { pollers, ...createProvider(config, context, pollers) });
  },
};

function createProvider(
  config: RemoteSamplingConfig,
  context: MainContext,
  pollers: PollerRegistry,
): Pick<RemoteSamplingParts, 'provider' | 'decisions'> {
  const { adaptive: adaptiveConfig, file, source } = config;
  const alone = (provider: StrategyProvider) => ({ provider, decisions: undefined });
  if (adaptiveConfig !== undefined) return createAdaptive(config, adaptiveConfig, context, pollers);
  if (file !== undefined) return alone(createFileProvider(file, context));
  if (source !== undefined) return alone(createSourceProvider(source, context));
  throw new SpanweirError(
    'CONFIG',
    "no sampling strategy provider specified, expecting 'adaptive' or 'file'",
  );
}

function createAdaptive(
  { file, reply, max_operations: maxOperations }: RemoteSamplingConfig,
  config: AdaptiveConfig,
  context: MainContext,
  pollers: PollerRegistry,
): Pick<RemoteSamplingParts, 'provider' | 'decisions'> {
  const combined: { provider?: CombinedProvider } = {};
  const { deps, beside } = adaptiveParts(config, context, {
    pollers,
    maxOperations,
    listRetired: reply === 'compatible',
    pins: () => combined.provider?.pins(),
  });
  const decider =
    config.control_topic === undefined
      ? createAlone(deps)
      : createReplicated(deps, config.control_topic, context);
  const adaptive = accompanied(decider.provider, beside);
  const { algorithm, mode, store } = deps;
  const decisions = { algorithm, mode, store, standing: decider.standing };
  if (file === undefined) return { provider: adaptive, decisions };
  combined.provider = combineWithFile(adaptive, file, maxOperations, context);
  return { provider: combined.provider, decisions };
}

interface Decider {
  readonly provider: StrategyProvider;
  readonly standing: () => readonly DecidedOperation[];
}

function createAlone(deps: AdaptiveDeps): Decider {
  const provider = new AdaptiveProvider(deps);
  return { provider, standing: () => provider.decisions() };
}

/** Only the replica that decides can say why at once; the others ask the store. */
function createReplicated(deps: AdaptiveDeps, config: ControlTopicConfig, context: MainContext): Decider {
  const log = new DecisionLog(deps.store);
  const provider = new ReplicatedProvider({
    config,
    self: `${deps.decidedBy}/${Math.floor(context.random() * 2 ** 32).toString(16)}`,
    roundEveryMs: deps.intervalMs,
    createDeciding: ({ publish, health }) =>
      new ControlLoop({ ...deps, publish, context: { ...context, health } }, log),
    context,
  });
  return { provider, standing: () => provider.deciding?.standing() ?? [] };
}
