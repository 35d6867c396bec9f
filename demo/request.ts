import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { chance, lognormalMs } from './random.ts';
import type { Call, Operation } from './shop-map.ts';

export type TracerOf = (service: string) => Tracer;

interface Outcome {
  readonly endMs: number;
  readonly hasFailed: boolean;
}

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, job: SpanKind.INTERNAL } as const;

/**
 * Plays one request through the shop, starting at `startMs` (Unix ms). Nothing waits: the spans get the
 * times that the work would have taken. Children follow the decision of the root, as the SDK has it.
 */
export function playRequest(operation: Operation, startMs: number, tracerOf: TracerOf): Outcome {
  return serve(operation, ROOT_CONTEXT, startMs, tracerOf);
}

function serve(operation: Operation, parent: Context, startMs: number, tracerOf: TracerOf): Outcome {
  const { service, name, kind, medianMs, spread, errors, calls, attributes } = operation;
  const span = tracerOf(service).startSpan(
    name,
    { kind: KINDS[kind], startTime: startMs, attributes },
    parent,
  );
  const context = trace.setSpan(parent, span);
  const ownMs = lognormalMs(medianMs, spread);
  let nowMs = startMs + ownMs * 0.6;
  let failure: string | undefined = chance(errors) ? 'internal error' : undefined;
  for (const call of calls) {
    if (failure !== undefined) break;
    if (!chance(call.share)) continue;
    const { endMs, hasFailed } = request(call, service, context, nowMs, tracerOf);
    nowMs = endMs;
    if (hasFailed && call.isVital) failure = `${call.to.service} failed`;
  }
  nowMs += ownMs * 0.4;
  finish(span, nowMs, failure);
  return { endMs: nowMs, hasFailed: failure !== undefined };
}

/** The caller's side: a client span over the network and the callee's work, or a producer span alone. */
function request(call: Call, from: string, context: Context, startMs: number, tracerOf: TracerOf): Outcome {
  const { to, isQueued } = call;
  const kind = isQueued ? SpanKind.PRODUCER : SpanKind.CLIENT;
  const name = isQueued ? to.name.replace('process', 'publish') : to.name;
  const options = { kind, startTime: startMs, attributes: { ...to.attributes, 'peer.service': to.service } };
  const span = tracerOf(from).startSpan(name, options, context);
  const networkMs = lognormalMs(0.3, 0.5);
  const inner = trace.setSpan(context, span);
  if (isQueued) {
    const sentMs = startMs + networkMs;
    finish(span, sentMs, undefined);
    serve(to, inner, sentMs + lognormalMs(40, 0.7), tracerOf);
    return { endMs: sentMs, hasFailed: false };
  }
  const { endMs, hasFailed } = serve(to, inner, startMs + networkMs, tracerOf);
  finish(span, endMs + networkMs, hasFailed ? `${to.service} failed` : undefined);
  return { endMs: endMs + networkMs, hasFailed };
}

function finish(span: Span, endMs: number, failure: string | undefined): void {
  if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  span.end(endMs);
}
