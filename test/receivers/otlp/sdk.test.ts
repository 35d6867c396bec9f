import { SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { afterEach, describe, expect, it } from 'vitest';
import { SpanweirError } from '../../../src/base/errors.ts';
import { exportTraceServiceRequest } from '../../support/otlp-proto.ts';
import { type Rig, startReceiver } from './rig.ts';

let rig: Rig;
afterEach(() => rig.close());

interface Decoded {
  resourceSpans: { scopeSpans: { spans: { name: string; status: { code: number } }[] }[] }[];
}

describe('the real OpenTelemetry SDK', () => {
  it('delivers its spans, again after the time it was told when it was refused once', async () => {
    rig = await startReceiver();
    let calls = 0;
    rig.lanes = async () => {
      calls += 1;
      if (calls > 1) return { spans: 1, rejectedSpans: 0, message: '' };
      throw new SpanweirError('UNAVAILABLE', 'later', { retry: 'backoff', retryAfterMs: 1000 });
    };
    const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${rig.httpPort}/v1/traces` });
    const provider = new NodeTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    const span = provider.getTracer('test').startSpan('GET /cart');
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    await provider.forceFlush();
    await provider.shutdown();
    expect(rig.taken).toHaveLength(2);
    const decoded = exportTraceServiceRequest.decode(
      rig.taken[1]?.payload ?? new Uint8Array(),
    ) as unknown as Decoded;
    expect(decoded.resourceSpans[0]?.scopeSpans[0]?.spans[0]).toMatchObject({
      name: 'GET /cart',
      status: { code: 2 },
    });
  });
});
