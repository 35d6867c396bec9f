import type { ServerResponse } from 'node:http';
import type { HttpHandler, PlainPost, PostInHand, PostReply } from '../../flow/host.ts';
import type { Encoding } from '../../flow/intake.ts';
import { BodyError, noRoom, readBody, unpacked } from '../../http/body.ts';
import { applyCors, type CorsRules } from '../../http/cors.ts';
import { allowMethods, reply, replyText, retryAfterSeconds } from '../../http/replies.ts';
import type { ByteLease } from './byte-budget.ts';
import type { OtlpHttpConfig } from './config.ts';
import type { Answer, Door } from './door.ts';
import { encodeStatus, encodeSuccess } from './messages.ts';
import { badData, overloaded, type Refusal, tooLarge, unsupported } from './refusal.ts';

const DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024;
const SUPPORTED = 'application/json, application/x-protobuf';

/** POST of ExportTraceServiceRequest, as protobuf or JSON. */
export function createTraceHandler(config: OtlpHttpConfig, door: Door): HttpHandler {
  const cors: CorsRules = {
    allowedOrigins: config.cors?.allowed_origins ?? [],
    allowedHeaders: config.cors?.allowed_headers ?? [],
    exposedHeaders: config.cors?.exposed_headers ?? [],
    maxAgeS: config.cors?.max_age ?? 0,
  };
  const maxBytes = config.max_request_body_size || DEFAULT_MAX_BODY_BYTES;
  const fixedHeaders = Object.entries(config.response_headers);

  return async (request, response) => {
    for (const [name, value] of fixedHeaders) response.setHeader(name, value);
    if (!config.keep_alives_enabled) response.setHeader('connection', 'close');
    if (applyCors(cors, request, response, ['POST'])) return;
    if (!allowMethods(request, response, ['POST'])) return;
    const encoding = encodingOf(request.headers['content-type']);
    if (encoding === undefined) {
      const text = `415 unsupported media type, supported: [${SUPPORTED}]\n`;
      door.refuse('http', unsupported(text));
      replyText(response, 415, text);
      return;
    }
    const lease = door.lease();
    let payload: Uint8Array;
    try {
      payload = await readBody(request, { maxBytes, reserve: (bytes) => lease.take(bytes) });
    } catch (error) {
      lease.end();
      if (!(error instanceof BodyError)) throw error;
      sendAnswer(response, door.refuse('http', bodyRefusal(error)), encoding);
      return;
    }
    sendAnswer(response, await door.take('http', payload, encoding, lease), encoding);
  };
}

function encodingOf(contentType = ''): Encoding | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf') return 'otlp_proto';
  return type === 'application/json' ? 'otlp_json' : undefined;
}

function bodyRefusal(error: BodyError): Refusal {
  switch (error.failure) {
    case 'too_large':
      return tooLarge(error.message);
    case 'no_room':
      return overloaded(error.message, 'in_flight_limit');
    case 'unsupported_encoding':
      return unsupported(error.message);
    case 'damaged':
      return badData(error.message);
    case 'aborted':
      return { ...badData(error.message), reason: 'aborted' };
    default:
      return error.failure satisfies never;
  }
}

function sendAnswer(response: ServerResponse, answer: Answer, encoding: Encoding): void {
  const { status, headers, body } = replyOf(answer, encoding);
  reply(response, status, Object.fromEntries(headers), body);
}

function replyOf(answer: Answer, encoding: Encoding): PostReply {
  const headers: [string, string][] = [
    ['content-type', encoding === 'otlp_json' ? 'application/json' : 'application/x-protobuf'],
  ];
  if (answer.taken) return { status: 200, headers, body: encodeSuccess(answer.verdict, encoding) };
  const { refusal } = answer;
  if (refusal.retryAfterMs !== undefined)
    headers.push(['retry-after', retryAfterSeconds(refusal.retryAfterMs)]);
  if (refusal.reason === 'unsupported') headers.push(['accept-encoding', 'gzip, deflate, identity']);
  return { status: refusal.httpStatus, headers, body: encodeStatus(refusal, encoding) };
}

/** The same for plain requests, ahead of node:http; undefined where answers need more than it gives them. */
export function createTracePost(config: OtlpHttpConfig, door: Door): PlainPost | undefined {
  const { cors, keep_alives_enabled: isKept, response_headers: fixed } = config;
  if (!isKept || Object.keys(fixed).length > 0 || (cors?.allowed_origins ?? []).length > 0) return undefined;
  const maxBytes = config.max_request_body_size || DEFAULT_MAX_BODY_BYTES;
  return {
    maxBytes,
    begin: (headers) => {
      const encoding = encodingOf(headers.get('content-type'));
      const packing = headers.get('content-encoding')?.toLowerCase() ?? '';
      if (encoding === undefined || !PLAIN_PACKINGS.has(packing)) return undefined;
      return new TracePost({ door, encoding, packing, maxBytes });
    },
  };
}

const PLAIN_PACKINGS: ReadonlySet<string> = new Set(['', 'identity', 'gzip']);

interface TracePostOptions {
  readonly door: Door;
  readonly encoding: Encoding;
  readonly packing: string;
  readonly maxBytes: number;
}

class TracePost implements PostInHand {
  readonly #options: TracePostOptions;
  readonly #lease: ByteLease;

  constructor(options: TracePostOptions) {
    this.#options = options;
    this.#lease = options.door.lease();
  }

  reserve(bytes: number): boolean {
    return this.#lease.take(bytes);
  }

  refuse(): PostReply {
    const { door, encoding } = this.#options;
    this.#lease.end();
    return replyOf(door.refuse('http', bodyRefusal(noRoom())), encoding);
  }

  leave(): void {
    this.#lease.end();
  }

  gone(): void {
    this.#lease.end();
    this.#options.door.refuse('http', { ...badData('the client went away'), reason: 'aborted' });
  }

  async take(body: Buffer, release: () => void): Promise<PostReply> {
    const { door, encoding, packing, maxBytes } = this.#options;
    const lease = this.#lease;
    let answer: Promise<Answer>;
    try {
      const reserve = (bytes: number): boolean => lease.take(bytes);
      const payload = packing === 'gzip' ? await unpacked(body, packing, { maxBytes, reserve }) : body;
      answer = door.take('http', payload, encoding, lease);
    } catch (error) {
      lease.end();
      if (!(error instanceof BodyError)) throw error;
      return replyOf(door.refuse('http', bodyRefusal(error)), encoding);
    } finally {
      release();
    }
    return replyOf(await answer, encoding);
  }
}
