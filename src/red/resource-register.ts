import { textOfValue } from '../span/attribute-text.ts';
import { ATTRIBUTES_OF, AttributeCursor } from '../span/attributes.ts';
import { type Dictionary, OVERFLOW_WORD } from '../span/dictionary.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import type { ResourceInfo } from './red-rows.ts';

/**
 * Keeps the attributes of the first resource seen with a given service, namespace and instance. Only those
 * with an instance: `target_info` is about them.
 */
export class ResourceRegister {
  readonly #dictionary: Dictionary;
  readonly #resources: ResourceInfo[];
  readonly #limit: number;
  readonly #cursor = new AttributeCursor();
  /** Per identity id: 1 = looked at. */
  #seen = new Uint8Array(1024);

  constructor(dictionary: Dictionary, resources: ResourceInfo[], limit: number) {
    this.#dictionary = dictionary;
    this.#resources = resources;
    this.#limit = limit;
  }

  visit(batch: SpanBatch): void {
    const { resources, resourceIdentity } = batch;
    for (let i = 0; i < resources; i++) {
      const identity = resourceIdentity[i] as number;
      if (this.#seen[identity] === 1) continue;
      this.#remember(identity);
      const known = this.#dictionary.identities[identity];
      if (known === undefined || known.service === null) continue;
      const { service, namespace, instance } = known;
      const isShown = instance !== '' && instance !== OVERFLOW_WORD;
      if (!isShown || this.#resources.length >= this.#limit) continue;
      this.#resources.push({ service, namespace, instance, attributes: this.#attributes(batch, i) });
    }
  }

  #remember(identity: number): void {
    if (identity >= this.#seen.length) {
      const larger = new Uint8Array(Math.max(this.#seen.length * 2, identity + 1));
      larger.set(this.#seen);
      this.#seen = larger;
    }
    this.#seen[identity] = 1;
  }

  #attributes(batch: SpanBatch, resource: number): [string, string][] {
    const cursor = this.#cursor;
    const at = batch.resourceAt[resource] as number;
    const found = new Map<string, string>();
    cursor.reset(batch.arena, at, batch.resourceEnd[resource] as number, ATTRIBUTES_OF.resource);
    while (cursor.next()) {
      const key = batch.arena.toString('utf8', cursor.keyAt, cursor.keyAt + cursor.keyLength);
      if (!found.has(key)) found.set(key, textOfValue(cursor));
    }
    return [...found];
  }
}
