import { z } from 'zod';
import { parseDurationMs } from './duration.ts';
import type { TlsFiles } from './listen-address.ts';

/**
 * Pieces that component schemas share. Every option carries `.describe(...)`. An option of the collector or
 * Jaeger that Spanweir takes but treats otherwise carries `.meta({ instead: 'what happens' })`: whoever sets
 * it is told so at the start. `.meta({ typeName })` is what the reference calls a type.
 */

const DURATION = 'expected a duration such as 500ms, 10s or 1m30s';

function durationText() {
  return z
    .union([z.string(), z.literal(0)], { error: DURATION })
    .transform((text, context) => {
      const ms = parseDurationMs(String(text));
      if (ms !== undefined) return ms;
      context.addIssue({ code: 'custom', message: DURATION });
      return z.NEVER;
    })
    .meta({ typeName: 'duration' });
}

type DurationSchema = ReturnType<typeof durationText>;

/** A Go duration; becomes milliseconds. `initial` is the default, as a user would write it. */
export function duration(): DurationSchema;
export function duration(initial: string): z.ZodPrefault<DurationSchema>;
export function duration(initial?: string): DurationSchema | z.ZodPrefault<DurationSchema> {
  return initial === undefined ? durationText() : durationText().prefault(initial);
}

/** `host:port`; an empty host means every interface (as in Go). */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const ENDPOINT = 'expected host:port, such as localhost:4317';

function endpointText() {
  return z
    .string()
    .transform((text, context): Endpoint => {
      const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
      const port = Number(match?.[3]);
      if (match !== null && port <= 65_535) {
        return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : (match[2] as string)), port };
      }
      context.addIssue({ code: 'custom', message: ENDPOINT });
      return z.NEVER;
    })
    .meta({ typeName: 'host:port' });
}

type EndpointSchema = ReturnType<typeof endpointText>;

/** An address to listen on; `initial` is the default. */
export function endpoint(): EndpointSchema;
export function endpoint(initial: string): z.ZodPrefault<EndpointSchema>;
export function endpoint(initial?: string): EndpointSchema | z.ZodPrefault<EndpointSchema> {
  return initial === undefined ? endpointText() : endpointText().prefault(initial);
}

const tlsVersion = z.enum(['1.0', '1.1', '1.2', '1.3'], {
  error: 'expected 1.0, 1.1, 1.2 or 1.3, in quotes',
});

/** Server side of the collector's `tls:` block. */
export const serverTls = z
  .strictObject({
    cert_file: z.string().describe('PEM certificate'),
    key_file: z.string().describe('PEM private key'),
    client_ca_file: z.string().optional().describe('clients must show a certificate signed by this CA'),
    min_version: tlsVersion.default('1.2').describe('oldest version of TLS that is spoken'),
    max_version: tlsVersion.optional().describe('newest version of TLS that is spoken'),
    reload_interval: durationText()
      .optional()
      .describe('how often the files are read again; without it never'),
  })
  .describe('serve TLS');

/** The files and versions of a `tls:` block as listeners want them. */
export function serverTlsOf(tls: z.output<typeof serverTls>): TlsFiles {
  return {
    certFile: tls.cert_file,
    keyFile: tls.key_file,
    clientCaFile: tls.client_ca_file,
    minVersion: tlsVersionOf(tls.min_version),
    maxVersion: tls.max_version && tlsVersionOf(tls.max_version),
    reloadIntervalMs: tls.reload_interval,
  };
}

/** As Node.js names it. */
function tlsVersionOf(version: z.output<typeof tlsVersion>) {
  return version === '1.0' ? 'TLSv1' : (`TLSv${version}` as const);
}

/** The collector's `auth:` block: an extension decides who is let in. */
export const serverAuth = z
  .strictObject({
    authenticator: z
      .string()
      .min(1)
      .describe(
        'id of the extension that decides: bearertokenauth or basicauth, listed in service.extensions',
      ),
  })
  .describe('who may ask; without it everyone may');

/** Client side of the collector's `tls:` block. */
export const clientTls = z
  .strictObject({
    insecure: z.boolean().default(false).describe('no TLS'),
    insecure_skip_verify: z.boolean().default(false).describe('do not check the certificate'),
    ca_file: z.string().optional().describe('PEM of the CA to trust'),
    cert_file: z.string().optional().describe('PEM client certificate'),
    key_file: z.string().optional().describe('PEM client key'),
    server_name_override: z.string().optional().describe('name to check the certificate for'),
  })
  .describe('speak TLS');
