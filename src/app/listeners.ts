import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import { SpanweirError } from '../base/errors.ts';
import type { Instruments, Log } from '../base/instruments.ts';
import { addressKey, formatAddress } from '../base/listen-address.ts';
import type { ListenAddress, Listeners } from '../flow/host.ts';
import { createGrpcListeners } from '../grpc/listeners.ts';
import type { HttpLimits } from '../http/limits.ts';
import { createHttpListeners } from '../http/listeners.ts';

export interface ListenersDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly instruments: Instruments;
  readonly httpLimits?: Partial<HttpLimits>;
}

export interface OpenableListeners extends Listeners {
  /** Opens every address that was asked for, or none: @throws SpanweirError START naming port and option. */
  open(): Promise<void>;
  close(deadline: Deadline): Promise<void>;
  /** Every address that components asked for, with the port that was bound. */
  addresses(): readonly ListenedAddress[];
}

export interface ListenedAddress {
  readonly protocol: 'HTTP' | 'gRPC';
  /** host:port */
  readonly address: string;
  /** The config path that set it. */
  readonly option: string;
}

/** Every address of the process. */
export function createListeners(deps: ListenersDeps): OpenableListeners {
  const { log, clock, instruments } = deps;
  const http = createHttpListeners({ clock, log, instruments, limits: deps.httpLimits ?? {} });
  const grpc = createGrpcListeners({ log, clock, instruments });
  const asked = new Map<string, { readonly protocol: string; readonly option: string }>();
  const listened: (() => ListenedAddress)[] = [];
  const remember = (
    protocol: 'HTTP' | 'gRPC',
    { host }: ListenAddress,
    option: string,
    bound: { port(): number },
  ): void => {
    listened.push(() => ({ protocol, option, address: formatAddress({ host, port: bound.port() }) }));
  };

  const claim = (protocol: string, address: ListenAddress, option: string): void => {
    const key = addressKey(address);
    if (key === undefined) return;
    const other = asked.get(key);
    if (other === undefined) asked.set(key, { protocol, option });
    else if (other.protocol !== protocol) {
      throw new SpanweirError(
        'START',
        `${formatAddress(address)} is wanted for ${other.protocol} by ${other.option} and for ${protocol} by ${option}`,
      );
    }
  };

  return {
    http: (address, option, limits) => {
      claim('HTTP', address, option);
      const routes = http.http(address, option, limits);
      remember('HTTP', address, option, routes);
      return routes;
    },
    grpc: (address, option, limits) => {
      claim('gRPC', address, option);
      const services = grpc.grpc(address, option, limits);
      remember('gRPC', address, option, services);
      return services;
    },
    open: async () => {
      const results = await Promise.allSettled([http.open(), grpc.open()]);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed === undefined) return;
      const now = { signal: AbortSignal.abort(), remainingMs: () => 0 };
      await Promise.all([http.close(now), grpc.close(now)]);
      throw failed.reason;
    },
    addresses: () => listened.map((address) => address()),
    close: async (deadline) => {
      await Promise.all([http.close(deadline), grpc.close(deadline)]);
    },
  };
}
