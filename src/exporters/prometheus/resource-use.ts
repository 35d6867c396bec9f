import type { SeriesKey } from '../../red/red-rows.ts';

type Identity = Pick<SeriesKey, 'service' | 'namespace' | 'instance'>;

/** Which resources have series, over all connectors of an exporter. */
export class ResourceUse {
  readonly #ids = new Map<string, number>();
  readonly #series: number[] = [];

  get size(): number {
    return this.#series.length;
  }

  /** One more series; returns the resource's id. */
  enter(resource: Identity): number {
    const name = nameOf(resource);
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#series.push(0) - 1;
      this.#ids.set(name, id);
    }
    this.#series[id] = (this.#series[id] as number) + 1;
    return id;
  }

  leave(id: number): void {
    this.#series[id] = (this.#series[id] as number) - 1;
  }

  isUsed(resource: Identity): boolean {
    const id = this.#ids.get(nameOf(resource));
    return id !== undefined && (this.#series[id] as number) > 0;
  }
}

function nameOf({ service, namespace, instance }: Identity): string {
  return `${namespace}\0${service}\0${instance}`;
}
