import { setLogger } from '@grpc/grpc-js';
import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import type { Instruments, Log } from '../base/instruments.ts';
import { SharedServers } from '../base/shared-servers.ts';
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
  const failures = deps.instruments.counter('spanweir_grpc_handler_failures_total');
  const refused = deps.instruments.counter('spanweir_grpc_refused_connections_total');
  routeLibraryLog(deps.log);

  const servers = new SharedServers(
    (address: ListenAddress) =>
      new SharedGrpcServer(address, { log: deps.log, clock: deps.clock, failures, refused }),
  );
  return {
    grpc: (address, option, limits) => servers.at(address, option).services(option, limits),
    open: () => servers.open(),
    close: (deadline) => servers.close(deadline),
  };
}

/** The library writes to stderr otherwise, and what it has to say is already in our own errors. */
function routeLibraryLog(log: Log): void {
  const debug = (...words: unknown[]): void => log.debug({ grpc: words.map(String).join(' ') }, 'grpc-js');
  setLogger({ error: debug, info: debug, debug });
}
