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

/** Stands where a bounded table could not take one more: the OTLP metrics SDK's name for it. */
export const OVERFLOW_WORD = 'otel.metric.overflow';

/** Characters that identities may hold, on average. */
const CHARS_PER_IDENTITY = 256;

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
  /** How often an identity did not fit and was given its service's overflow identity. */
  identitiesOverflowed = 0;
  readonly #limit: number;
  readonly #idByKey = new Map<string, number>();
  /** By id in `services`. */
  readonly #overflowIds = new Map<number, number>();
  #chars = 0;

  constructor(limits: Partial<DictionaryLimits> = {}) {
    const all = { ...DEFAULT_DICTIONARY_LIMITS, ...limits };
    this.names = new Interner(all.names);
    this.services = new Interner(all.services);
    this.#limit = all.identities;
  }

  /**
   * The dense id of an identity; made on first sight. Slow: scanners cache it per resource bytes.
   * Beyond the limit there is one more identity per service, whose instance is OVERFLOW_WORD, and one
   * for all services that `services` has no room for.
   */
  identityOf(identity: ResourceIdentity): number {
    const { service, namespace, instance } = identity;
    if (service === null) return 0;
    const key = `${service.length}:${namespace.length}:${service}${namespace}${instance}`;
    const known = this.#idByKey.get(key);
    if (known !== undefined) return known;
    const full = this.identities.length >= this.#limit;
    if (full || this.#chars + key.length > this.#limit * CHARS_PER_IDENTITY) return this.#overflow(service);
    this.#chars += key.length;
    const id = this.#add(identity, this.services.internString(service));
    this.#idByKey.set(key, id);
    return id;
  }

  #overflow(service: string): number {
    this.identitiesOverflowed++;
    const serviceId = this.services.internString(service);
    const known = this.#overflowIds.get(serviceId);
    if (known !== undefined) return known;
    const word = serviceId === Interner.OVERFLOW ? OVERFLOW_WORD : service;
    const id = this.#add({ service: word, namespace: '', instance: OVERFLOW_WORD }, serviceId);
    this.#overflowIds.set(serviceId, id);
    return id;
  }

  #add(identity: ResourceIdentity, serviceId: number): number {
    this.identityService.push(serviceId);
    return this.identities.push(identity) - 1;
  }
}

export interface DictionaryLimits {
  readonly names: number;
  readonly services: number;
  /** Not counting the overflow identities, of which there is at most one per service. */
  readonly identities: number;
}

export const DEFAULT_DICTIONARY_LIMITS: DictionaryLimits = {
  names: 1 << 20,
  services: 1 << 16,
  identities: 1 << 17,
};
