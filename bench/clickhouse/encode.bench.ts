/**
 * CPU time per span of turning a block into Native bytes for otel_traces: 50,000 spans of 10 attributes (50
 * services, 20 operations), as in the standard workload.
 *
 *     npx tsx bench/clickhouse/encode.bench.ts
 */
import { NativeBuffer } from '../../src/clickhouse/native/native-buffer.ts';
import { SpanEncoder } from '../../src/clickhouse/native/span-encoder.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { kafkaOrigin } from '../../test/support/kafka-origin.ts';
import { encodeProto, type TestSpan } from '../../test/support/spans.ts';

const SPANS = 50_000;
const SPANS_PER_MESSAGE = 100;
const ROUNDS = 20;

const dictionary = new Dictionary();
const batch = new SpanBatch();
const scanner = new OtlpScanner(dictionary);
for (let message = 0; message < SPANS / SPANS_PER_MESSAGE; message++) {
  const resources = Array.from({ length: 5 }, (_, r) => {
    const service = `service-${(message * 5 + r) % 50}`;
    const attributes = {
      'service.version': '1.4.2',
      'k8s.pod.name': `${service}-7d9c${r}`,
      'k8s.namespace.name': 'shop',
      'deployment.environment.name': 'prod',
    };
    const spans = Array.from({ length: SPANS_PER_MESSAGE / 5 }, (_, i) => makeSpan(message, r * 20 + i));
    return { service, attributes, spans };
  });
  scanner.append(batch, encodeProto(resources), { offset: message, timestampMs: 0 });
}

function makeSpan(message: number, i: number): TestSpan {
  const n = message * SPANS_PER_MESSAGE + i;
  return {
    traceId: (n * 2_654_435_761).toString(16).padStart(32, '7'),
    spanId: (n + 1).toString(16).padStart(16, 'a'),
    parentSpanId: i % 10 === 0 ? '' : n.toString(16).padStart(16, 'b'),
    name: `GET /api/v1/resource-${n % 20}`,
    kind: 1 + (n % 5),
    startNs: 1_700_000_000_000_000_000n + BigInt(n) * 1_000_000n,
    durationNs: 1000 + (n % 977) * 1013,
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200 + (n % 5),
      'http.route': `/api/v1/resource-${n % 20}`,
      'url.path': `/api/v1/resource-${n % 20}/${n}`,
      'server.address': 'shop.example.com',
      'server.port': 8080,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
      'client.address': `10.0.${n % 256}.${i % 256}`,
      'user.id': `user-${n % 9973}`,
      'app.cache.hit': n % 3 === 0,
    },
  };
}

const origin = kafkaOrigin(0, SPANS / SPANS_PER_MESSAGE - 1);
const encoder = new SpanEncoder(dictionary);
const out = new NativeBuffer();
const samples: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  out.reset();
  const before = process.cpuUsage();
  encoder.encode(batch, origin, true, out);
  const { user, system } = process.cpuUsage(before);
  samples.push((user + system) / batch.spans);
}
samples.sort((a, b) => a - b);
const at = (share: number): string => (samples[Math.floor(share * (ROUNDS - 1))] as number).toFixed(3);
console.log(
  `${batch.spans} spans, ${(out.length / batch.spans).toFixed(0)} bytes a span: ` +
    `median ${at(0.5)}, best ${at(0)}, worst ${at(1)} us of CPU a span`,
);
