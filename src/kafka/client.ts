import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Kafka as KafkaClient, KafkaConfig, SASLOptions } from 'kafkajs';
import type { Clock } from '../base/clock.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Log } from '../base/instruments.ts';
import { assertSeams, kafkaJs, openSocket } from './kafkajs.ts';
import { type ClientConfig, SASL_MECHANISMS } from './options.ts';

export type { KafkaClient };

/**
 * A client for one component. Reads the files named in `tls`. Rejects with START when one can't be read, or
 * when the kafkajs in place is not the one that this room is built on.
 */
export async function createKafka(
  config: ClientConfig,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  timeoutMs = 30_000,
): Promise<KafkaClient> {
  const { Kafka, logLevel } = kafkaJs();
  await assertSeams();
  const { max, backoff } = config.metadata.retry;
  const ssl = tlsOptions(config);
  const login = saslOptions(config);
  const options: KafkaConfig = {
    brokers: [...config.brokers],
    clientId: config.client_id,
    connectionTimeout: Math.min(timeoutMs, 10_000),
    authenticationTimeout: 10_000,
    requestTimeout: timeoutMs,
    retry: {
      retries: max,
      initialRetryTime: backoff,
      maxRetryTime: Math.max(5000, backoff),
      // Whoever runs a consumer starts it again by itself: kafkajs can't after every crash.
      restartOnFailure: () => Promise.resolve(false),
    },
    socketFactory: openSocket,
    ssl: ssl ?? false,
    logLevel: logLevel.INFO,
    logCreator: () => bridge(log, clock),
    ...(login === undefined ? {} : { sasl: login }),
  };
  return new Kafka(options);
}

interface KafkaJsLogEntry {
  readonly level: number;
  readonly namespace: string;
  readonly log: { readonly message: string; readonly [extra: string]: unknown };
}

/** The same warning is told once in this time: a broker that is away fails several requests a second. */
const REPEAT_MS = 30_000;

/** Noise of normal work is debug; what kafkajs retries by itself is a warning, whatever it calls it. */
function bridge(log: Log, clock: Clock): (entry: KafkaJsLogEntry) => void {
  const { logLevel } = kafkaJs();
  const toldMs = new Map<string, number>();
  return ({ level, namespace, log: entry }) => {
    const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry;
    const told = { kafkajs: namespace, ...fields };
    const nowMs = clock.monotonicMs();
    const isRepeated = nowMs - (toldMs.get(message) ?? -REPEAT_MS) < REPEAT_MS;
    const isTrouble = level === logLevel.ERROR || level === logLevel.WARN;
    if (!isTrouble || isRepeated) return log.debug(told, message);
    if (toldMs.size > 100) toldMs.clear();
    toldMs.set(message, nowMs);
    log.warn(told, message);
  };
}

function tlsOptions(config: ClientConfig): ConnectionOptions | undefined {
  const tls = config.tls ?? config.auth.tls;
  if (tls === undefined || tls.insecure) return undefined;
  const options: ConnectionOptions = { rejectUnauthorized: !tls.insecure_skip_verify };
  if (tls.ca_file !== undefined) options.ca = [readPem(tls.ca_file, 'tls.ca_file')];
  if (tls.cert_file !== undefined) options.cert = readPem(tls.cert_file, 'tls.cert_file');
  if (tls.key_file !== undefined) options.key = readPem(tls.key_file, 'tls.key_file');
  if (tls.server_name_override !== undefined) options.servername = tls.server_name_override;
  return options;
}

function readPem(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SpanweirError('START', `${option}: ${toError(error).message}`, { cause: error });
  }
}

function saslOptions(config: ClientConfig): SASLOptions | undefined {
  const { plain_text, sasl } = config.auth;
  if (sasl === undefined) return plain_text === undefined ? undefined : { mechanism: 'plain', ...plain_text };
  const { username, password, oauthbearer_token_file } = sasl;
  const mechanism = SASL_MECHANISMS[sasl.mechanism];
  if (mechanism === undefined) {
    throw new SpanweirError('CONFIG', `auth.sasl.mechanism ${sasl.mechanism} is not supported`);
  }
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
    case 'oauthbearer':
      return {
        mechanism,
        oauthBearerProvider: async () => ({
          value: (await readFile(oauthbearer_token_file as string, 'utf8')).trim(),
        }),
      };
  }
}
