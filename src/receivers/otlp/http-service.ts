import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpHandler } from '../../flow/host.ts';
import type { Encoding } from '../../flow/intake.ts';
import { BodyError, readBody } from '../../http/body.ts';
import { applyCors, type CorsRules } from '../../http/cors.ts';
import { allowMethods, type Headers, reply, replyText, retryAfterSeconds } from '../../http/replies.ts';
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
    const encoding = encodingOf(request);
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

function encodingOf(request: IncomingMessage): Encoding | undefined {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
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
  const headers: Headers = {
    'content-type': encoding === 'otlp_json' ? 'application/json' : 'application/x-protobuf',
  };
  if (answer.taken) {
    reply(response, 200, headers, encodeSuccess(answer.verdict, encoding));
    return;
  }
  const { refusal } = answer;
  if (refusal.retryAfterMs !== undefined) headers['retry-after'] = retryAfterSeconds(refusal.retryAfterMs);
  if (refusal.reason === 'unsupported') headers['accept-encoding'] = 'gzip, deflate, identity';
  reply(response, refusal.httpStatus, headers, encodeStatus(refusal, encoding));
}
