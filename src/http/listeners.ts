import type { Deadline } from '../base/component.ts';
import type { Instruments, Log } from '../base/instruments.ts';
import { SharedServers } from '../base/shared-servers.ts';
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
  const failures = deps.instruments.counter('spanweir_http_handler_failures_total');
  const limits = { ...defaultHttpLimits, ...deps.limits };

  const servers = new SharedServers(
    (address: ListenAddress) => new SharedHttpServer(address, { log: deps.log, limits, failures }),
  );
  return {
    http: (address, option) => servers.at(address, option).routes(option),
    open: () => servers.open(),
    close: (deadline) => servers.close(deadline),
  };
}
