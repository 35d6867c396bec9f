import { inject, onTestFinished } from 'vitest';
import type { ReplicatedProvider } from '../../../../src/extensions/remote-sampling/ha/replicated-provider.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import {
  createProvider,
  deadline,
  type FakeDeciding,
  type ProviderOptions,
  servedBy,
  type Told,
} from './fake-deciding.ts';

export interface Replica extends Told {
  readonly provider: ReplicatedProvider<FakeDeciding>;
  /** Undefined while nothing is known. */
  served(): StrategySnapshot | undefined;
  stop(): Promise<void>;
}

/** One replica, joined to the others by nothing but the topic; it stops when the test ends. */
export async function startReplica(
  options: Omit<ProviderOptions, 'brokers'> & { readonly brokers?: readonly string[] },
): Promise<Replica> {
  const { provider, told } = createProvider({ brokers: inject('kafkaBrokers'), ...options });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= provider.stop(deadline(5000));
    return stopped;
  };
  onTestFinished(stop);
  await provider.start();
  return { provider, ...told, served: () => servedBy(provider), stop };
}
