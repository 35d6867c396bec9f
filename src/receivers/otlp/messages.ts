import protobuf from 'protobufjs/minimal.js';
import type { Encoding, RequestVerdict } from '../../flow/intake.ts';
import type { Refusal } from './refusal.ts';

const { Writer } = protobuf;
const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';

/**
 * ExportTraceServiceResponse in the request's encoding: empty when everything was taken, else
 * `partial_success` (1) = { rejected_spans (1), error_message (2) }.
 */
export function encodeSuccess(verdict: RequestVerdict, encoding: Encoding): Uint8Array {
  const { rejectedSpans, message } = verdict;
  const partial = rejectedSpans > 0 || message !== '';
  if (encoding === 'otlp_json') {
    return utf8(
      partial ? { partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage: message } } : {},
    );
  }
  if (!partial) return new Uint8Array(0);
  const inner = new Writer();
  if (rejectedSpans > 0) inner.uint32(0x08).int64(rejectedSpans);
  if (message !== '') inner.uint32(0x12).string(message);
  return new Writer().uint32(0x0a).bytes(inner.finish()).finish();
}

/** google.rpc.Status in the request's encoding, with RetryInfo where the client may come again. */
export function encodeStatus(refusal: Refusal, encoding: Encoding): Uint8Array {
  const { grpcCode, message, retryAfterMs } = refusal;
  if (encoding === 'otlp_json') {
    const details =
      retryAfterMs === undefined
        ? {}
        : { details: [{ '@type': RETRY_INFO_TYPE, retryDelay: `${retryAfterMs / 1000}s` }] };
    return utf8({ code: grpcCode, message, ...details });
  }
  const status = new Writer().uint32(0x08).int32(grpcCode).uint32(0x12).string(message);
  if (retryAfterMs !== undefined) {
    const any = new Writer().uint32(0x0a).string(RETRY_INFO_TYPE).uint32(0x12).bytes(retryInfo(retryAfterMs));
    status.uint32(0x1a).bytes(any.finish());
  }
  return status.finish();
}

/** RetryInfo { retry_delay (1): Duration { seconds (1), nanos (2) } } */
function retryInfo(ms: number): Uint8Array {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  const delay = new Writer();
  if (seconds > 0) delay.uint32(0x08).int64(seconds);
  if (nanos > 0) delay.uint32(0x10).int32(nanos);
  return new Writer().uint32(0x0a).bytes(delay.finish()).finish();
}

function utf8(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
