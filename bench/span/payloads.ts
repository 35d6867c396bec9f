import { randomBytes } from 'node:crypto';
import { encodeProto, type TestSpan } from '../../test/support/spans.ts';

export const SPANS_PER_PAYLOAD = 200;
const SERVICES = 20;
const OPERATIONS = 25;

/** Payloads of one resource and spans with 10 attributes, about 440 bytes a span. */
export function makePayloads(count: number, spansPerPayload = SPANS_PER_PAYLOAD): Buffer[] {
  const payloads: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const spans: TestSpan[] = [];
    for (let j = 0; j < spansPerPayload; j++) spans.push(makeSpan(i * spansPerPayload + j));
    payloads.push(
      encodeProto([
        {
          service: `service-${i % SERVICES}`,
          attributes: {
            'service.instance.id': `6f1c2d3e-0000-4000-8000-00000000000${i % 4}`,
            'k8s.pod.name': `pod-${i % SERVICES}-7d4b9c6f5-x2x${i % 4}`,
            'host.name': 'ip-10-0-0-1.eu-central-1.compute.internal',
            'telemetry.sdk.language': 'go',
            'telemetry.sdk.name': 'opentelemetry',
          },
          spans,
        },
      ]),
    );
  }
  return payloads;
}

function makeSpan(n: number): TestSpan {
  const operation = (n * 7) % OPERATIONS;
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: n % 10 === 0 ? '' : randomBytes(8).toString('hex'),
    name: `GET /api/v1/resource-${operation}`,
    kind: 2 + (n % 2),
    startNs: 1_700_000_000_000_000_000n + BigInt(n) * 1000n,
    durationNs: 1_000_000 + n * 13,
    status: n % 20 === 0 ? { code: 2, message: 'boom' } : { code: 0 },
    attributes: {
      'http.request.method': 'GET',
      'http.route': `/api/v1/resource-${operation}`,
      'http.response.status_code': 200,
      'url.scheme': 'https',
      'server.address': 'shop.example.com',
      'server.port': 443,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64) Gecko',
      'client.address': `10.1.${n % 250}.7`,
      'network.protocol.version': '1.1',
      'request.id': randomBytes(8).toString('hex'),
    },
  };
}
