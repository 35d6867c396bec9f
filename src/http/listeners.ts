import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import type { Counter, Instruments, Log } from '../base/instruments.ts';
import { SharedServers } from '../base/shared-servers.ts';
import type { HttpListenerLimits, HttpRoutes, ListenAddress } from '../flow/host.ts';
import { defaultHttpLimits, type HttpLimits } from './limits.ts';
import { type Refusal, SharedHttpServer } from './server.ts';

export interface HttpListenersDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpListeners {
  http(address: ListenAddress, option: string, limits?: HttpListenerLimits): HttpRoutes;
  /** Opens every address that was asked for, or none: @throws SpanweirError START naming port and option. */
  open(): Promise<void>;
  close(deadline: Deadline): Promise<void>;
}

export function createHttpListeners(deps: HttpListenersDeps): HttpListeners {
  const { clock, log, instruments } = deps;
  const failures = instruments.counter('spanweir_http_handler_failures_total');
  const refused = refusalCounters(instruments);
  const limits = { ...defaultHttpLimits, ...deps.limits };

  const servers = new SharedServers(
    (address: ListenAddress) => new SharedHttpServer(address, { clock, log, limits, failures, refused }),
  );
  return {
    http: (address, option, asked) => servers.at(address, option).routes(option, asked),
    open: () => servers.open(),
    close: (deadline) => servers.close(deadline),
  };
}

function refusalCounters(instruments: Instruments): Readonly<Record<Refusal, Counter>> {
  const counter = (reason: Refusal): Counter =>
    instruments.counter('spanweir_http_refused_total', { reason });
  return {
    connections: counter('connections'),
    headers: counter('headers'),
    target: counter('target'),
    timeout: counter('timeout'),
    malformed: counter('malformed'),
  };
}
