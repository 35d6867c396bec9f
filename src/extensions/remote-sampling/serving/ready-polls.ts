import type { Counter } from '../../../base/instruments.ts';
import type { ReadyHandler } from '../../../flow/host.ts';
import { createPollRecorder, firstForwarded, type ServingDeps, type SnapshotLookup } from './serving.ts';
import type { Targets } from './targets.ts';

/** Answers polls ahead of node:http, as the handler of sampling-http.ts would, to whom everything but an answer is left. */
export function createReadyPolls(
  deps: Omit<ServingDeps, 'lookup'> & { readonly lookup: SnapshotLookup },
  targets: Targets,
): ReadyHandler {
  const { lookup, replies, clock, instruments } = deps;
  const record = createPollRecorder(deps);
  const answered: Counter = instruments.counter('spanweir_sampling_polls_total', {
    transport: 'http',
    result: 'ok',
  });
  return (target, headers, client) => {
    const { path, services } = targets.of(target);
    if (services === undefined) return undefined;
    const { service, strategy } = lookup(services);
    const reply = replies.json(strategy, path);
    const forwarded = headers.get('x-forwarded-for');
    record({
      service,
      address: forwarded === undefined ? (client.remoteAddress ?? '') : firstForwarded(forwarded),
      connection: forwarded === undefined ? (client.remotePort ?? 0) : 0,
      userAgent: headers.get('user-agent') ?? '',
      transport: 'http',
      sendsContentType: headers.has('content-type'),
      atMs: clock.wallMs(),
    });
    answered.add(1);
    return reply;
  };
}
