import { z } from 'zod';
import { clientTls, duration, endpoint, serverAuth, serverTls } from '../../../base/schema.ts';
import { goNumber } from '../../../sampling/strategies/go-number.ts';

export const probability = (name: string) => {
  const error = ({ input }: { readonly input?: unknown }): string =>
    typeof input === 'number'
      ? `${name}: ${goNumber(input)} does not validate as range(0|1)`
      : `${name}: expected a number from 0 to 1`;
  return z.number({ error }).min(0, { error }).max(1, { error });
};

export const file = z
  .strictObject({
    path: z
      .string()
      .default('')
      .describe("a file, or a URL, with strategies in Jaeger's JSON; empty for none"),
    reload_interval: duration('0s')
      .refine(
        (ms) => ms >= 0,
        'reload interval must be a positive value, or zero to disable automatic reloading',
      )
      .describe('how often it is read again; 0 for never'),
    default_sampling_probability: probability('DefaultSamplingProbability')
      .default(0.001)
      .describe('where the file says nothing, and in place of rate limits'),
  })
  .describe('strategies that people write');

const extraEndpoints = (description: string) =>
  z.array(endpoint()).default([]).describe(`more addresses with the same, ${description}`);

export const http = z
  .strictObject({
    endpoint: endpoint('localhost:5778').describe('host:port to listen on; every path answers'),
    extra_endpoints: extraEndpoints(
      'such as localhost:14268, where only /, /sampling, /api/sampling and /api/sampling/sampling answer',
    ),
    tls: serverTls.optional(),
    auth: serverAuth.optional(),
    max_connections: z.int().min(1).default(20_000).describe('at a time; further ones are closed at once'),
    max_header_size: z
      .int()
      .min(1024)
      .max(1_048_576)
      .default(16_384)
      .describe('bytes of all headers of a request; more is answered with 431'),
    max_url_size: z
      .int()
      .min(64)
      .max(65_536)
      .default(8192)
      .describe('bytes of path and query; more is answered with 414'),
    idle_timeout: duration('75s').describe('how long a connection is kept that nothing comes over'),
  })
  .describe('strategies over HTTP');

export const grpc = z
  .strictObject({
    endpoint: endpoint('localhost:5779').describe('host:port to listen on'),
    extra_endpoints: extraEndpoints('such as localhost:14250, where Java SDKs look'),
    tls: serverTls.optional(),
    auth: serverAuth.optional(),
    max_connections: z.int().min(1).default(20_000).describe('at a time; further ones are closed at once'),
    max_concurrent_streams: z.int().min(1).default(100).describe('calls at a time per connection'),
    max_recv_msg_size_mib: z.number().positive().max(16).default(1).describe('largest request'),
  })
  .describe('strategies over gRPC (jaeger.api_v2.SamplingManager), with health and reflection');

const target = z
  .string()
  .regex(/^(?:[a-z][a-z0-9+.-]*:\/\/\/?)?[^\s/]+$/i, 'expected host:port, such as jaeger-collector:14250')
  .meta({ typeName: 'host:port' });

const remote = z
  .strictObject({
    endpoint: target.describe('host:port of the gRPC server, as gRPC names it'),
    tls: clientTls.prefault({}).describe('speak TLS, which is the default; insecure: true for none'),
    headers: z.record(z.string(), z.string()).default({}).describe('metadata that every call carries'),
    auth: serverAuth.describe('an extension that adds credentials').optional(),
    authority: z.string().optional().describe('the :authority that is asked for'),
    compression: z
      .enum(['', 'none', 'gzip'])
      .default('none')
      .describe('of requests, which are a few bytes')
      .meta({ instead: 'requests are not packed' }),
    balancer_name: z
      .enum(['pick_first', 'round_robin'])
      .default('pick_first')
      .describe('which of the addresses behind a name is asked'),
    wait_for_ready: z
      .boolean()
      .optional()
      .describe('wait for a connection')
      .meta({ instead: 'a poll waits up to the timeout, or gets the last strategy' }),
    keepalive: z
      .strictObject({
        time: duration('10s').describe('ping a silent server that often'),
        timeout: duration('10s').describe('wait that long for the answer to a ping'),
        permit_without_stream: z.boolean().default(false).describe('ping without calls too'),
      })
      .optional()
      .describe('HTTP/2 pings'),
    timeout: duration('5s').describe('a call that takes longer has failed'),
  })
  .describe('another server of jaeger.api_v2.SamplingManager: a Jaeger, a collector or a Spanweir');

export const source = z
  .strictObject({
    remote: remote.optional(),
    file: z.string().default('').describe("a file, or a URL, with strategies in Jaeger's JSON"),
    reload_interval: duration('30s').describe(
      'how long an answer of the remote is used, or how often the file is read again; 0 for always, or never',
    ),
    max_cached_services: z
      .int()
      .min(1)
      .default(10_000)
      .describe('services whose answers are kept; the one unused longest makes room'),
  })
  .superRefine(({ remote: isRemote, file: path }, context) => {
    if ((isRemote === undefined) !== (path === '')) return;
    const which = isRemote === undefined ? 'no sources' : 'too many sources';
    const message = `${which} specified, has to be either 'file' or 'remote'`;
    context.addIssue({ code: 'custom', message });
  })
  .describe('strategies of somebody else, as jaegerremotesampling of the collector has it');

export type FileConfig = z.infer<typeof file>;
export type SourceConfig = z.infer<typeof source>;
export type RemoteSourceConfig = z.infer<typeof remote>;
export type HttpConfig = z.infer<typeof http>;
export type GrpcConfig = z.infer<typeof grpc>;
