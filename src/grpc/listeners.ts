import { setLogger } from '@grpc/grpc-js';
import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import type { Instruments, Log } from '../base/instruments.ts';
import { addressKey, assertSameTls } from '../base/listen-address.ts';
import type { GrpcLimits, GrpcServices, ListenAddress } from '../flow/host.ts';
import { SharedGrpcServer } from './server.ts';

export interface GrpcListenersDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly instruments: Instruments;
}

export interface GrpcListeners {
  grpc(address: ListenAddress, option: string, limits?: GrpcLimits): GrpcServices;
  /** Opens every address that was asked for, or none: @throws SpanweirError START naming port and option. */
  open(): Promise<void>;
  close(deadline: Deadline): Promise<void>;
}

export function createGrpcListeners(deps: GrpcListenersDeps): GrpcListeners {
  const servers: SharedGrpcServer[] = [];
  const byKey = new Map<string, SharedGrpcServer>();
  const failures = deps.instruments.counter('spanweir_grpc_handler_failures_total');
  routeLibraryLog(deps.log);

  const serverFor = (address: ListenAddress, option: string): SharedGrpcServer => {
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
    const server = new SharedGrpcServer(address, { log: deps.log, clock: deps.clock, failures });
    servers.push(server);
    if (key !== undefined) byKey.set(key, server);
    return server;
  };
  const close = async (deadline: Deadline): Promise<void> => {
    await Promise.all(servers.map((server) => server.close(deadline)));
  };

  return {
    grpc: (address, option, limits) => serverFor(address, option).services(option, limits),
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

/** The library writes to stderr otherwise, and what it has to say is already in our own errors. */
function routeLibraryLog(log: Log): void {
  const debug = (...words: unknown[]): void => log.debug({ grpc: words.map(String).join(' ') }, 'grpc-js');
  setLogger({ error: debug, info: debug, debug });
}
