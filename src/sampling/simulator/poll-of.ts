import type { Poll } from '../pollers/poller.ts';
import type { Fleet } from './scenario.ts';
import type { PollSeen } from './service-fleet.ts';

/** A poll as a server sees it: every instance has an address of its own. `epochS`: Unix seconds of the start. */
export function pollOf({ service, instance, timeS }: PollSeen, fleet: Fleet, epochS: number): Poll {
  return {
    service,
    address: `10.${instance >> 16}.${(instance >> 8) & 255}.${instance & 255}`,
    connection: 32_768 + (instance % 28_000),
    atMs: (epochS + timeS) * 1000,
    ...clientOf(fleet),
  };
}

/** How the SDK's HTTP or gRPC client looks to a server. */
function clientOf({ sdk, lowerBound }: Fleet): Pick<Poll, 'userAgent' | 'transport' | 'sendsContentType'> {
  const http = (userAgent: string, sendsContentType = false) =>
    ({ userAgent, transport: 'http', sendsContentType }) as const;
  if (lowerBound || sdk === 'go') return http('Go-http-client/1.1');
  if (sdk === 'java') return { userAgent: 'okhttp/5.4.0', transport: 'grpc', sendsContentType: true };
  if (sdk === 'js') return http('node');
  return sdk === 'rust' ? http('', true) : http(sdk);
}
