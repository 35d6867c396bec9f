import { z } from 'zod';
import { duration, endpoint, serverTls } from '../../base/schema.ts';

const path = z.string().regex(/^\//, 'expected a path that begins with /');

const http = z
  .strictObject({
    endpoint: endpoint('localhost:13133').describe('address to listen on'),
    tls: serverTls.optional(),
    status: z
      .strictObject({
        enabled: z.boolean().default(true).describe('serve the status'),
        path: path.default('/status').describe('where the status is'),
      })
      .prefault({})
      .describe(
        'the status of the process and its components; `?verbose` adds the components, `?pipeline=` picks one',
      ),
    config: z
      .strictObject({
        enabled: z.boolean().default(false).describe('known from the collector').meta({
          instead: 'the configuration is not served: it may hold secrets',
        }),
        path: path.default('/config').describe('known from the collector'),
      })
      .prefault({})
      .describe("the collector's view of the configuration"),
  })
  .prefault({});

const componentHealth = z
  .strictObject({
    include_permanent_errors: z
      .boolean()
      .default(true)
      .describe('a component that is broken makes the answer 503'),
    include_recoverable_errors: z
      .boolean()
      .default(false)
      .describe('a component that has had trouble for longer than recovery_duration makes the answer 503'),
    recovery_duration: duration('5m').describe('how long trouble may last before it counts'),
  })
  .prefault({})
  .describe('which troubles of components the status code shows; the body shows them all');

const check = z
  .strictObject({
    enabled: z.boolean().default(false),
    interval: z.string().optional(),
    exporter_failure_threshold: z.int().optional(),
  })
  .optional();

/** The new form and, with `endpoint` and `path`, that of the older `health_check`. */
export const healthcheckConfig = z.strictObject({
  use_v2: z
    .boolean()
    .optional()
    .describe("the collector's switch between its two forms; either is understood"),
  http: http.describe('HTTP'),
  component_health: componentHealth,
  grpc: z
    .unknown()
    .optional()
    .describe('the health service over gRPC')
    .meta({ instead: 'health is served over HTTP only' }),
  endpoint: endpoint().optional().describe('old form: address to listen on, instead of http.endpoint'),
  path: path.optional().describe('old form: where the short answer is; `/` when not set'),
  tls: serverTls.optional().describe('old form: serve TLS'),
  response_body: z
    .strictObject({
      healthy: z.string().default('').describe('what is answered while all is well'),
      unhealthy: z.string().default('').describe('what is answered otherwise'),
    })
    .optional()
    .describe('old form: text in place of the JSON of the short answer'),
  check_collector_pipeline: check
    .describe('old form, does nothing in the collector either')
    .meta({ instead: 'every component reports its own health' }),
});

export type HealthcheckConfig = z.output<typeof healthcheckConfig>;
