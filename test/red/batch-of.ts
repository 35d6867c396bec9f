import type { Dictionary, ResourceIdentity } from '../../src/span/dictionary.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';

/** What RED metrics look at in a span, as a plain object. */
export interface PlainSpan {
  readonly identity: ResourceIdentity;
  readonly name: string;
  readonly kind: number;
  readonly statusCode: number;
  readonly startNs: bigint;
  readonly durationNs: number;
  readonly weight: number;
}

/** A batch with these spans and no bytes at all: one resource per distinct identity. */
export function batchOf(dictionary: Dictionary, spans: readonly PlainSpan[]): SpanBatch {
  const batch = new SpanBatch(16, Math.max(1, spans.length));
  const resources = new Map<string, number>();
  spans.forEach((span, i) => {
    const key = JSON.stringify(span.identity);
    let resource = resources.get(key);
    if (resource === undefined) {
      resource = batch.resources++;
      resources.set(key, resource);
      batch.resourceIdentity[resource] = dictionary.identityOf(span.identity);
    }
    batch.resource[i] = resource;
    batch.nameId[i] = dictionary.names.internString(span.name);
    batch.kind[i] = span.kind;
    batch.statusCode[i] = span.statusCode;
    batch.startHi[i] = Number(span.startNs >> 32n);
    batch.startLo[i] = Number(span.startNs & 0xffffffffn);
    batch.durationNs[i] = span.durationNs;
    batch.weight[i] = span.weight;
  });
  batch.spans = spans.length;
  return batch;
}
