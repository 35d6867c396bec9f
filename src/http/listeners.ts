import type { Deadline } from '../base/component.ts';
import type { Instruments, Log } from '../base/instruments.ts';
import { addressKey, assertSameTls } from '../base/listen-address.ts';
import type { HttpRoutes, ListenAddress } from '../flow/host.ts';
import { defaultHttpLimits, type HttpLimits } from './limits.ts';
import { SharedHttpServer } from './server.ts';

export interface HttpListenersDeps {
  readonly log: Log;
  readonly instruments: Instruments;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpListeners {
  http(address: ListenAddress, option: string): HttpRoutes;
  /** Opens every address that was asked for, or none: @throws SpanweirError START naming port and option. */
  open(): Promise<void>;
  close(deadline: Deadline): Promise<void>;
}

export function createHttpListeners(deps: HttpListenersDeps): HttpListeners {
  const servers: SharedHttpServer[] = [];
  const byKey = new Map<string, SharedHttpServer>();
  const failures = deps.instruments.counter('spanweir_http_handler_failures_total');
  const limits = { ...defaultHttpLimits, ...deps.limits };

  const serverFor = (address: ListenAddress, option: string): SharedHttpServer => {
    const key = addressKey(address);
    const shared = key === undefined ? undefined : byKey.get(key);
    if (shared !== undefined) {
      assertSameTls(
        address,
        { tls: shared.address.tls, option: shared.options.join(', ') },
        { tls: address.tls, option },
      );
      return shared;
    }
    const server = new SharedHttpServer(address, { log: deps.log, limits, failures });
    servers.push(server);
    if (key !== undefined) byKey.set(key, server);
    return server;
  };
  const close = async (deadline: Deadline): Promise<void> => {
    await Promise.all(servers.map((server) => server.close(deadline)));
  };

  return {
    http: (address, option) => serverFor(address, option).routes(option),
    open: async () => {
      const results = await Promise.allSettled(servers.map((server) => server.open()));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed === undefined) return;
      await close({ signal: AbortSignal.abort(), remainingMs: () => 0 });
      throw failed.reason;
    },
    close,
  };
}
