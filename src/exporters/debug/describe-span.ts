import { textOfValue } from '../../span/attribute-text.ts';
import { ATTRIBUTES_OF, AttributeCursor } from '../../span/attributes.ts';
import { NONE, type SpanBatch } from '../../span/span-batch.ts';

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'] as const;
const STATUS = ['Unset', 'Ok', 'Error'] as const;

export interface SpanSummary {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly kind: string;
  readonly status: string;
  readonly durationMs: number;
}

export interface SpanDetails extends SpanSummary {
  readonly parentId: string;
  readonly start: string;
  readonly weight: number;
  readonly statusMessage: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

/** For people who debug: makes objects and strings, so it is for few spans only. */
export class SpanDescriber {
  readonly #cursor = new AttributeCursor();

  summary(batch: SpanBatch, span: number): SpanSummary {
    const resource = batch.resource[span] as number;
    const attributes = this.#resource(batch, resource);
    return {
      service: attributes['service.name'] ?? '',
      name: text(batch, batch.nameAt[span] as number, batch.nameLength[span] as number),
      traceId: hex(batch, batch.traceIdAt[span] as number, 16),
      spanId: hex(batch, batch.spanIdAt[span] as number, 8),
      kind: KINDS[batch.kind[span] as number] ?? KINDS[0],
      status: STATUS[batch.statusCode[span] as number] ?? STATUS[0],
      durationMs: (batch.durationNs[span] as number) / 1e6,
    };
  }

  details(batch: SpanBatch, span: number): SpanDetails {
    const startMs = ((batch.startHi[span] as number) * 2 ** 32 + (batch.startLo[span] as number)) / 1e6;
    const [at, end] = [batch.attributesAt[span] as number, batch.attributesEnd[span] as number];
    return {
      ...this.summary(batch, span),
      parentId: hex(batch, batch.parentIdAt[span] as number, 8),
      start: new Date(Math.min(startMs, 8.64e15)).toISOString(),
      weight: batch.weight[span] as number,
      statusMessage: text(
        batch,
        batch.statusMessageAt[span] as number,
        batch.statusMessageLength[span] as number,
      ),
      resource: this.#resource(batch, batch.resource[span] as number),
      attributes: this.#attributes(batch, at, end, ATTRIBUTES_OF.span),
    };
  }

  #resource(batch: SpanBatch, resource: number): Record<string, string> {
    const [at, end] = [batch.resourceAt[resource] as number, batch.resourceEnd[resource] as number];
    return this.#attributes(batch, at, end, ATTRIBUTES_OF.resource);
  }

  #attributes(batch: SpanBatch, at: number, end: number, field: number): Record<string, string> {
    const found: Record<string, string> = {};
    const cursor = this.#cursor;
    cursor.reset(batch.arena, at, end, field);
    while (cursor.next()) found[text(batch, cursor.keyAt, cursor.keyLength)] = textOfValue(cursor);
    return found;
  }
}

function text(batch: SpanBatch, at: number, length: number): string {
  return batch.arena.toString('utf8', at, at + length);
}

function hex(batch: SpanBatch, at: number, length: number): string {
  return at === NONE ? '' : batch.arena.toString('hex', at, at + length);
}
