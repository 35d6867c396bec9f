import { textOfValue } from './attribute-text.ts';
import { AttributeCursor, VALUE } from './attributes.ts';
import type { Dictionary, ResourceIdentity } from './dictionary.ts';
import { hashView, viewOf } from './interner.ts';
import { ScanError } from './scan-error.ts';

const WAYS = 4;
/** Field number of Resource.attributes. */
const RESOURCE_ATTRIBUTES = 1;

const SERVICE = Buffer.from('service.name');
const NAMESPACE = Buffer.from('service.namespace');
const INSTANCE = Buffer.from('service.instance.id');

/**
 * From the bytes of a Resource to the id of its identity. A resource that was seen before costs a hash and
 * a comparison of its bytes. Bounded: `slots` resources of at most `maxBytes` bytes are remembered.
 */
export class ResourceCache {
  readonly #dictionary: Dictionary;
  readonly #maxBytes: number;
  readonly #mask: number;
  readonly #hashes: Uint32Array;
  readonly #identities: Uint32Array;
  readonly #bytes: (Buffer | undefined)[];
  readonly #cursor = new AttributeCursor();
  #victim = 0;

  /** `slots` is a power of two. */
  constructor(dictionary: Dictionary, slots = 4096, maxBytes = 4096) {
    this.#dictionary = dictionary;
    this.#maxBytes = maxBytes;
    this.#mask = slots - 1;
    this.#hashes = new Uint32Array(slots);
    this.#identities = new Uint32Array(slots);
    this.#bytes = Array.from({ length: slots });
  }

  /** Of the Resource message in `bytes[at, end)`. Throws ScanError when its attributes can't be read. */
  identityOf(bytes: Uint8Array, at: number, end: number, view = viewOf(bytes)): number {
    const length = end - at;
    if (length > this.#maxBytes) return this.#resolve(bytes, at, end);
    const hash = hashView(view, at, length);
    for (let way = 0; way < WAYS; way++) {
      const slot = (hash + way) & this.#mask;
      const known = this.#bytes[slot];
      if (known === undefined) break;
      if (this.#hashes[slot] === hash && equalBytes(known, bytes, at, length)) {
        return this.#identities[slot] as number;
      }
    }
    const identity = this.#resolve(bytes, at, end);
    this.#remember(hash, identity, bytes, at, end);
    return identity;
  }

  #remember(hash: number, identity: number, bytes: Uint8Array, at: number, end: number): void {
    let way = 0;
    while (way < WAYS && this.#bytes[(hash + way) & this.#mask] !== undefined) way++;
    if (way === WAYS) way = this.#victim++ % WAYS;
    const slot = (hash + way) & this.#mask;
    this.#hashes[slot] = hash;
    this.#identities[slot] = identity;
    this.#bytes[slot] = Buffer.from(bytes.subarray(at, end));
  }

  #resolve(bytes: Uint8Array, at: number, end: number): number {
    const identity = readIdentity(this.#cursor, bytes, at, end);
    if (this.#cursor.malformed) throw new ScanError('malformed_resource');
    return this.#dictionary.identityOf(identity);
  }
}

/**
 * Of the Resource message in `bytes[at, end)`. The first occurrence of a key counts, and a service.name that is no
 * string reads as ''. Where the attributes can't be read the cursor is `malformed`.
 */
export function readIdentity(
  cursor: AttributeCursor,
  bytes: Uint8Array,
  at: number,
  end: number,
): ResourceIdentity {
  let service: string | null = null;
  let namespace: string | null = null;
  let instance: string | null = null;
  cursor.reset(bytes, at, end, RESOURCE_ATTRIBUTES);
  while (cursor.next()) {
    if (service === null && cursor.keyIs(SERVICE)) {
      service = cursor.valueKind === VALUE.string ? textOfValue(cursor) : '';
    } else if (namespace === null && cursor.keyIs(NAMESPACE)) namespace = textOfValue(cursor);
    else if (instance === null && cursor.keyIs(INSTANCE)) instance = textOfValue(cursor);
  }
  return { service, namespace: namespace ?? '', instance: instance ?? '' };
}

function equalBytes(known: Buffer, bytes: Uint8Array, at: number, length: number): boolean {
  return known.length === length && known.compare(bytes, at, at + length) === 0;
}
