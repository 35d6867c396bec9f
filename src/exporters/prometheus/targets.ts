import type { ResourceInfo } from '../../red/red-rows.ts';
import { jobOf, type Labels, renderLabels, targetLabels } from './labels.ts';
import type { Escaping } from './names.ts';

/** Resources for target_info: the first one with a given job and instance counts. */
export class Targets {
  readonly #utf8: boolean;
  readonly #limit: number;
  readonly #known = new Set<string>();
  readonly #labels: Labels[] = [];
  readonly #bodies = new Map<Escaping, string[]>();

  constructor(utf8: boolean, limit: number) {
    this.#utf8 = utf8;
    this.#limit = limit;
  }

  add(resources: readonly ResourceInfo[]): void {
    for (const resource of resources) {
      const job = jobOf(resource);
      const key = JSON.stringify([job, resource.instance]);
      if (job === '' || resource.instance === '' || this.#known.has(key)) continue;
      if (this.#labels.length >= this.#limit) return;
      this.#known.add(key);
      this.#labels.push(targetLabels(resource, this.#utf8));
    }
  }

  bodies(escaping: Escaping): readonly string[] {
    const bodies = this.#bodies.get(escaping) ?? [];
    this.#bodies.set(escaping, bodies);
    for (let i = bodies.length; i < this.#labels.length; i++) {
      bodies.push(renderLabels(this.#labels[i] as Labels, escaping));
    }
    return bodies;
  }
}
