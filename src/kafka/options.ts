import { z } from 'zod';
import { clientTls, duration } from '../base/schema.ts';

const LATER = 'is not supported yet';

const sasl = z
  .strictObject({
    username: z.string().default('').describe('user name'),
    password: z.string().default('').describe('password'),
    mechanism: z
      .string()
      .describe('PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER')
      .superRefine((mechanism, context) => {
        if (mechanism in SASL_MECHANISMS) return;
        const supported = Object.keys(SASL_MECHANISMS).join(', ');
        context.addIssue({
          code: 'custom',
          message: `mechanism ${mechanism} ${LATER}; supported: ${supported}`,
        });
      }),
    version: z
      .number()
      .int()
      .min(0)
      .max(1)
      .default(0)
      .describe('SASL handshake version')
      .meta({ instead: 'the version is agreed with the broker' }),
    aws_msk: z
      .strictObject({ region: z.string().optional().describe('AWS region') })
      .optional()
      .describe('for AWS_MSK_IAM_OAUTHBEARER')
      .refine((value) => value === undefined, `aws_msk ${LATER}; supported: ${'PLAIN, SCRAM, OAUTHBEARER'}`),
    oauthbearer_token_source: z
      .string()
      .optional()
      .describe('extension that gives tokens')
      .refine(
        (value) => value === undefined,
        `authenticator extensions are ${LATER}: use oauthbearer_token_file`,
      ),
    oauthbearer_token_file: z
      .string()
      .optional()
      .describe('file that holds the current token; read again for every login'),
  })
  .superRefine(({ mechanism, oauthbearer_token_file }, context) => {
    if (mechanism !== 'OAUTHBEARER' || oauthbearer_token_file !== undefined) return;
    context.addIssue({ code: 'custom', message: 'OAUTHBEARER needs oauthbearer_token_file' });
  })
  .describe('SASL login');

/** The collector's names, and kafkajs' ones. */
export const SASL_MECHANISMS: Readonly<
  Record<string, 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'oauthbearer'>
> = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
  OAUTHBEARER: 'oauthbearer',
};

const auth = z
  .strictObject({
    plain_text: z
      .strictObject({
        username: z.string().describe('user name'),
        password: z.string().describe('password'),
      })
      .optional()
      .describe('old form of sasl with mechanism PLAIN'),
    sasl: sasl.optional(),
    tls: clientTls.optional().describe('old place of tls'),
    kerberos: z
      .looseObject({})
      .optional()
      .describe('Kerberos login')
      .refine((value) => value === undefined, `kerberos ${LATER}; supported: sasl`),
  })
  .describe('how to log in to the brokers');

const metadata = z
  .strictObject({
    full: z
      .boolean()
      .default(true)
      .describe('old option')
      .meta({ instead: 'only the topics in use are asked for' }),
    refresh_interval: duration('10m').describe('how often topics and partitions are looked up again'),
    retry: z
      .strictObject({
        max: z
          .number()
          .int()
          .min(0)
          .default(20)
          .describe('how often a request is tried again before reconnecting'),
        backoff: duration('250ms').describe('first wait; doubles up to 5s'),
      })
      .prefault({})
      .describe('tries of one request'),
  })
  .prefault({})
  .describe('cluster metadata');

/** Options that the Kafka receiver and the Kafka exporter have in common. */
export const clientOptions = {
  brokers: z
    .union([z.array(z.string()).min(1), z.string().transform((one) => [one])])
    .default(['localhost:9092'])
    .describe('host:port of the brokers to begin with'),
  protocol_version: z
    .string()
    .default('2.1.0')
    .describe('Kafka protocol version')
    .meta({ instead: 'versions are agreed with each broker' }),
  resolve_canonical_bootstrap_servers_only: z
    .boolean()
    .default(false)
    .describe('resolve brokers to canonical names')
    .meta({ instead: 'brokers are contacted under the names given' }),
  client_id: z.string().default('otel-collector').describe("name of this client in the brokers' logs"),
  conn_idle_timeout: duration('9m')
    .describe('close connections that idle that long')
    .meta({ instead: 'connections stay open until the broker closes them' }),
  tls: clientTls.optional().describe('speak TLS'),
  auth: auth.prefault({}),
  metadata,
};

const clientSchema = z.strictObject(clientOptions);
export type ClientConfig = z.output<typeof clientSchema>;
