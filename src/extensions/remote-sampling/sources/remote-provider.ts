import { readFileSync } from 'node:fs';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { ClientAuthenticator } from '../../../base/authenticator.ts';
import type { ComponentContext } from '../../../base/component.ts';
import { SpanweirError, toError } from '../../../base/errors.ts';
import { version } from '../../../base/version.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';
import { requestOfService, strategyOfReply } from '../../../sampling/strategies/strategy-proto.ts';
import { SAMPLING_PATH } from '../serving/sampling-grpc.ts';
import type { RemoteSourceConfig, SourceConfig } from '../serving/serving-config.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import { StrategyCache } from './strategy-cache.ts';

export interface RemoteProviderDeps {
  readonly source: SourceConfig;
  readonly remote: RemoteSourceConfig;
  /** Asked for at the start, when all extensions are there. */
  readonly authenticator: () => ClientAuthenticator | undefined;
  readonly context: Pick<ComponentContext, 'id' | 'clock' | 'log' | 'instruments' | 'health'>;
}

const MAX_PENDING = 256;
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const same = (bytes: Buffer): Buffer => bytes;

/** Strategies of another Jaeger, collector or Spanweir, asked for when somebody polls. */
export function createRemoteProvider({
  source,
  remote,
  authenticator,
  context,
}: RemoteProviderDeps): StrategyProvider {
  const { clock, log, instruments, health } = context;
  const fetches = (outcome: string) =>
    instruments.counter('spanweir_sampling_remote_fetches_total', { outcome });
  const counts = {
    ok: fetches('ok'),
    failed: fetches('failed'),
    stale: fetches('stale'),
    refused: fetches('refused'),
  };
  let isUp = true;
  let client: Client | undefined;
  let auth: ClientAuthenticator | undefined;

  const metadata = (): Metadata => {
    const made = new Metadata();
    for (const [name, value] of Object.entries(remote.headers)) made.set(name, value);
    if (auth !== undefined) made.set(auth.header, auth.value());
    return made;
  };
  const fetch = (service: string): Promise<Strategy> =>
    new Promise((resolve, reject) => {
      if (client === undefined) return reject(new SpanweirError('STOPPING', 'not started'));
      const deadline = clock.wallMs() + remote.timeout;
      const request = requestOfService(service);
      client.makeUnaryRequest(
        SAMPLING_PATH,
        same,
        same,
        request,
        metadata(),
        { deadline },
        (error, reply) => {
          if (error !== null || reply === undefined) return reject(unavailable(remote.endpoint, error));
          try {
            resolve(strategyOfReply(reply));
          } catch (damaged) {
            reject(toError(damaged));
          }
        },
      );
    });
  const told = (outcome: keyof typeof counts): void => {
    counts[outcome].add(1);
    if (outcome === 'refused' || isUp === (outcome === 'ok')) return;
    isUp = outcome === 'ok';
    const fields = { endpoint: remote.endpoint };
    if (isUp) log.info(fields, 'the remote source answers again');
    else log.warn(fields, 'the remote source does not answer; what it said last is served');
    health.report(isUp ? 'ok' : 'recoverable', isUp ? undefined : `${remote.endpoint} does not answer`);
  };
  const cache = new StrategyCache({
    freshMs: source.reload_interval,
    maxServices: source.max_cached_services,
    maxPending: MAX_PENDING,
    clock,
    fetch,
    told,
  });

  return {
    // Nothing is known of any service before it is asked for.
    snapshot: { version: 0, madeAtMs: clock.wallMs(), fallback: NEVER_SERVED, services: new Map() },
    strategyOf: (service) => cache.of(service),
    start: async () => {
      auth = authenticator();
      client = new Client(remote.endpoint, channelCredentials(remote, context.id), channelOptions(remote));
      health.report('ok');
    },
    stop: async () => {
      client?.close();
    },
  };
}

const NEVER_SERVED: Strategy = { strategyType: 'PROBABILISTIC', probabilisticSampling: { samplingRate: 0 } };

function unavailable(endpoint: string, error: ServiceError | null): SpanweirError {
  const text = `${endpoint}: ${error?.details ?? 'no reply'}`;
  return new SpanweirError('UNAVAILABLE', text, { cause: error, retry: 'backoff' });
}

/** @throws SpanweirError START naming the file that can't be read. */
function channelCredentials({ tls }: RemoteSourceConfig, id: string): ChannelCredentials {
  if (tls.insecure) return credentials.createInsecure();
  const read = (name: 'ca_file' | 'cert_file' | 'key_file'): Buffer | null => {
    const file = tls[name];
    if (file === undefined) return null;
    try {
      return readFileSync(file);
    } catch (error) {
      const option = `extensions.${id}.source.remote.tls.${name}`;
      throw new SpanweirError('START', `${option}: can't read ${file}: ${toError(error).message}`, {
        cause: error,
      });
    }
  };
  return credentials.createSsl(read('ca_file'), read('key_file'), read('cert_file'), {
    rejectUnauthorized: !tls.insecure_skip_verify,
  });
}

function channelOptions({ authority, tls, balancer_name, keepalive }: RemoteSourceConfig): ChannelOptions {
  const options: ChannelOptions = {
    'grpc.primary_user_agent': `spanweir/${version()}`,
    'grpc.max_receive_message_length': MAX_REPLY_BYTES,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [balancer_name]: {} }] }),
    // A server that is back is found within seconds, not minutes.
    'grpc.initial_reconnect_backoff_ms': 500,
    'grpc.max_reconnect_backoff_ms': 5000,
  };
  if (authority !== undefined) options['grpc.default_authority'] = authority;
  if (tls.server_name_override !== undefined) {
    options['grpc.ssl_target_name_override'] = tls.server_name_override;
  }
  if (keepalive !== undefined) {
    options['grpc.keepalive_time_ms'] = keepalive.time;
    options['grpc.keepalive_timeout_ms'] = keepalive.timeout;
    options['grpc.keepalive_permit_without_calls'] = keepalive.permit_without_stream ? 1 : 0;
  }
  return options;
}
