import { Interner } from './interner.ts';

/** What tells two resources apart for metrics: the collector's `service.name`, `job` and `instance`. */
export interface ResourceIdentity {
  /** service.name; null when the resource has none (such spans are stored but not measured). */
  readonly service: string | null;
  /** service.namespace, or ''. */
  readonly namespace: string;
  /** service.instance.id, or ''. */
  readonly instance: string;
}

/**
 * The words of one lane: bounded interners whose dense ids key every table downstream. Ids live as long as
 * the lane, so tables may keep them; what does not fit gets Interner.OVERFLOW and is kept as bytes.
 */
export class Dictionary {
  /** Span names. */
  readonly names: Interner;
  /** Service names (of resources that have one). */
  readonly services: Interner;
  /** Per identity id. Identity 0 stands for "no service.name". */
  readonly identities: ResourceIdentity[] = [{ service: null, namespace: '', instance: '' }];
  /** Per identity id: id in `services`. */
  readonly identityService: number[] = [0];
  readonly #identityByKey = new Map<string, number>();

  constructor(limits: DictionaryLimits = DEFAULT_DICTIONARY_LIMITS) {
    this.names = new Interner(limits.names);
    this.services = new Interner(limits.services);
  }

  /** The dense id of an identity; made on first sight. Slow: scanners cache it per resource bytes. */
  identityOf(identity: ResourceIdentity): number {
    if (identity.service === null) return 0;
    const key = `${identity.service}\u0000${identity.namespace}\u0000${identity.instance}`;
    const known = this.#identityByKey.get(key);
    if (known !== undefined) return known;
    const id = this.identities.length;
    this.#identityByKey.set(key, id);
    this.identities.push(identity);
    this.identityService.push(this.services.internString(identity.service));
    return id;
  }
}

export interface DictionaryLimits {
  readonly names: number;
  readonly services: number;
}

export const DEFAULT_DICTIONARY_LIMITS: DictionaryLimits = { names: 1 << 20, services: 1 << 18 };
