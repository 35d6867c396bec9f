import { z } from 'zod';
import { duration, endpoint, serverTls } from '../../base/schema.ts';

const cors = z
  .strictObject({
    allowed_origins: z.array(z.string()).default([]).describe('origins, `*` stands for any characters'),
    allowed_headers: z.array(z.string()).default([]).describe('request headers beyond the usual ones'),
    exposed_headers: z.array(z.string()).default([]).describe('response headers that pages may read'),
    max_age: z.int().min(0).default(0).describe('seconds that a browser keeps the answer to a preflight'),
  })
  .describe('for browsers that send spans by themselves');

const keepalive = z
  .strictObject({
    server_parameters: z
      .strictObject({
        max_connection_idle: duration().optional().describe('close a connection that is idle that long'),
        max_connection_age: duration().optional().describe('close a connection that is that old'),
        max_connection_age_grace: duration().optional().describe('time for its calls to end'),
        time: duration().optional().describe('ping a silent client that often'),
        timeout: duration().optional().describe('wait that long for the answer to a ping'),
      })
      .prefault({})
      .describe('what the server does'),
    enforcement_policy: z
      .strictObject({
        min_time: duration().optional().describe('least time between pings of a client'),
        permit_without_stream: z.boolean().optional().describe('pings without calls are welcome'),
      })
      .optional()
      .describe('what clients may do')
      .meta({ instead: 'clients may ping as often as they like' }),
  })
  .describe('HTTP/2 pings and the age of connections');

const grpc = z
  .strictObject({
    endpoint: endpoint('localhost:4317').describe('host:port to listen on'),
    transport: z.literal('tcp').default('tcp').describe('only TCP'),
    tls: serverTls.optional(),
    max_recv_msg_size_mib: z.number().positive().max(512).default(4).describe('largest request, unpacked'),
    max_concurrent_streams: z.int().min(1).default(100).describe('calls at a time per connection'),
    read_buffer_size: z
      .int()
      .optional()
      .describe('bytes')
      .meta({ instead: 'the buffers of Node.js are used' }),
    write_buffer_size: z
      .int()
      .optional()
      .describe('bytes')
      .meta({ instead: 'the buffers of Node.js are used' }),
    keepalive: keepalive.optional(),
    include_metadata: z
      .boolean()
      .optional()
      .describe('hand request metadata on')
      .meta({ instead: 'request metadata is not handed on' }),
  })
  .describe('OTLP over gRPC');

const http = z
  .strictObject({
    endpoint: endpoint('localhost:4318').describe('host:port to listen on'),
    tls: serverTls.optional(),
    traces_url_path: z.string().startsWith('/').default('/v1/traces').describe('path that takes spans'),
    metrics_url_path: z
      .string()
      .optional()
      .describe('path of metrics')
      .meta({ instead: 'metrics are not received: 404' }),
    logs_url_path: z
      .string()
      .optional()
      .describe('path of logs')
      .meta({ instead: 'logs are not received: 404' }),
    max_request_body_size: z
      .int()
      .min(0)
      .default(20 * 1024 * 1024)
      .describe('largest body in bytes, packed and unpacked; 0 = 20 MiB'),
    cors: cors.optional(),
    include_metadata: z
      .boolean()
      .optional()
      .describe('hand request headers on')
      .meta({ instead: 'request headers are not handed on' }),
    response_headers: z
      .record(z.string(), z.string())
      .default({})
      .describe('headers that every answer carries'),
    compression_algorithms: z
      .array(z.string())
      .optional()
      .describe('encodings of requests that are taken')
      .meta({ instead: 'gzip, deflate and identity are taken' }),
    keep_alives_enabled: z.boolean().default(true).describe('keep connections open between requests'),
  })
  .describe('OTLP over HTTP, protobuf and JSON');

/** A protocol that is named without options (`grpc:`) is served with the defaults. */
function orDefaults<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === null ? {} : value), schema);
}

export const otlpConfig = z.strictObject({
  protocols: z
    .strictObject({
      grpc: orDefaults(grpc.optional()).optional(),
      http: orDefaults(http.optional()).optional(),
    })
    .refine((protocols) => protocols.grpc !== undefined || protocols.http !== undefined, {
      message: 'expected at least one of grpc and http',
    })
    .describe('what is served; a protocol that is not named is not'),
  max_in_flight_mib: z
    .number()
    .positive()
    .default(64)
    .describe('bytes of requests that wait for their spans to be safe; beyond it requests are refused'),
  timeout: duration('8s').describe('a request whose spans are not safe by then is refused, to be sent again'),
});

export type OtlpConfig = z.output<typeof otlpConfig>;
export type OtlpGrpcConfig = NonNullable<OtlpConfig['protocols']['grpc']>;
export type OtlpHttpConfig = NonNullable<OtlpConfig['protocols']['http']>;
