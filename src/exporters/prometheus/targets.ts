import type { ResourceInfo } from '../../red/red-rows.ts';
import { escapeLabels, jobOf, type Labels, renderLabels, targetLabels } from './labels.ts';
import type { Escaping } from './names.ts';
import { labelPairs } from './proto-labels.ts';
import type { ResourceUse } from './resource-use.ts';

interface Target {
  readonly resource: ResourceInfo;
  readonly labels: Labels;
}

/** Resources for target_info: the first one with a given job and instance counts, while it has series. */
export class Targets {
  readonly #utf8: boolean;
  readonly #limit: number;
  readonly #use: ResourceUse;
  /** By job and instance. A lane tells of a resource once, so that it is kept while it has no series. */
  readonly #targets = new Map<string, Target>();
  readonly #bodies = new Map<Escaping, Map<Target, string>>();

  constructor(utf8: boolean, limit: number, use: ResourceUse) {
    this.#utf8 = utf8;
    this.#limit = limit;
    this.#use = use;
  }

  add(resources: readonly ResourceInfo[]): void {
    for (const resource of resources) {
      const job = jobOf(resource);
      const key = JSON.stringify([job, resource.instance]);
      if (job === '' || resource.instance === '' || this.#targets.has(key)) continue;
      if (this.#targets.size >= this.#limit) this.#dropUnused();
      if (this.#targets.size >= this.#limit) return;
      this.#targets.set(key, { resource, labels: targetLabels(resource, this.#utf8) });
    }
  }

  bodies(escaping: Escaping): string[] {
    const known = this.#bodies.get(escaping) ?? new Map<Target, string>();
    this.#bodies.set(escaping, known);
    return this.#shown().map((target) => {
      const body = known.get(target) ?? renderLabels(target.labels, escaping);
      known.set(target, body);
      return body;
    });
  }

  /** The same for the protobuf exposition. */
  labelPairs(escaping: Escaping): Buffer[] {
    return this.#shown().map(({ labels }) => labelPairs(escapeLabels(labels, escaping)));
  }

  #shown(): Target[] {
    return [...this.#targets.values()].filter(({ resource }) => this.#use.isUsed(resource));
  }

  #dropUnused(): void {
    for (const [key, target] of this.#targets) {
      if (this.#use.isUsed(target.resource)) continue;
      this.#targets.delete(key);
      for (const bodies of this.#bodies.values()) bodies.delete(target);
    }
  }
}
