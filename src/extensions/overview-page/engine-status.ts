import type { MainContext } from '../../flow/host.ts';

/** What the head of the page tells about the engine as a whole. */
export interface EngineStatus {
  readonly components: readonly { readonly key: string; readonly status: string; readonly reason: string }[];
  readonly addresses: readonly {
    readonly protocol: string;
    readonly address: string;
    readonly option: string;
  }[];
}

interface HealthView {
  components(): readonly { readonly key: string; readonly status: string; readonly reason: string }[];
}
interface ListenersView {
  addresses(): EngineStatus['addresses'];
}

/** Both are offered by the host; a host without them (a test's) shows nothing. */
export function engineStatus(context: MainContext): EngineStatus {
  const health = context.peer('spanweir.health');
  const listeners = context.peer('spanweir.listeners') ?? context.listeners;
  return {
    components: has<HealthView>(health, 'components')
      ? health.components().map(({ key, status, reason }) => ({ key, status, reason }))
      : [],
    addresses: has<ListenersView>(listeners, 'addresses') ? listeners.addresses() : [],
  };
}

/** Whether a part of the host has that method. */
export function has<T>(value: unknown, method: keyof T & string): value is T {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[method] === 'function'
  );
}
