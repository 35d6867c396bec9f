import { ATTRIBUTES_OF, AttributeCursor, VALUE } from '../../span/attributes.ts';
import type { Dictionary } from '../../span/dictionary.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { WordColumn } from './columns.ts';
import { AttributeColumn } from './map-column.ts';

const SERVICE_NAME = Buffer.from('service.name');

/** ServiceName and ResourceAttributes. */
export class ResourceColumns {
  readonly services = new WordColumn();
  readonly attributes = new AttributeColumn();
  readonly #dictionary: Dictionary;
  readonly #cursor = new AttributeCursor();

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  /** Of spans with one resource that follow each other, the first reads its attributes; the others repeat that row. */
  collect(batch: SpanBatch): void {
    const { arena, resource, resourceAt, resourceEnd, resourceIdentity, resources, spans, view } = batch;
    const { attributes, services } = this;
    const cursor = this.#cursor;
    attributes.reset();
    services.reset();
    const service = new Uint32Array(resources);
    for (let r = 0; r < resources; r++) {
      cursor.reset(arena, resourceAt[r] as number, resourceEnd[r] as number, ATTRIBUTES_OF.resource);
      service[r] = this.#serviceWord(resourceIdentity[r] as number);
    }
    for (let i = 0; i < spans; ) {
      const r = resource[i] as number;
      const first = i;
      while (i < spans && resource[i] === r) i++;
      const keysAt = attributes.keys.rows;
      const valuesAt = attributes.values.length;
      const [from, end] = [resourceAt[r] as number, resourceEnd[r] as number];
      attributes.addAll(arena, from, end, ATTRIBUTES_OF.resource, view);
      attributes.endRow();
      attributes.repeatRow(keysAt, valuesAt, i - first);
      services.pushRun(service[r] as number, i - first);
    }
  }

  /** As the resource has it: where the dictionary is full, its word is not the service's. */
  #serviceWord(identity: number): number {
    const { words } = this.services;
    const cursor = this.#cursor;
    if (identity !== 0 && cursor.find(SERVICE_NAME) && cursor.valueKind === VALUE.string) {
      return words.intern(cursor.bytes, cursor.valueAt, cursor.valueLength);
    }
    return words.internText(this.#dictionary.identities[identity]?.service ?? '');
  }
}
