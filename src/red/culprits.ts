import { SpaceSaving } from '../sketch/space-saving.ts';
import type { FoldedLabel } from './block-guard.ts';

/** Candidates, and how many are told of in a lane's life. */
const CANDIDATES = 64;
const TOLD = 20;
/** Spans that have to have lost a label before anybody is told. */
const LEAST_SPANS = 1000;

/** A label with too many values, and by how many spans it is known. */
export interface Culprit extends FoldedLabel {
  /** It has not been told of before. */
  readonly isNew: boolean;
}

/** Who has too many values of which label: those that matter, by name, and a bounded number of them. */
export class Culprits {
  readonly #heavy = new SpaceSaving(CANDIDATES);
  readonly #told = new Set<string>();

  /** What is to be told of a block. */
  note(folded: readonly FoldedLabel[]): Culprit[] {
    const culprits: Culprit[] = [];
    for (const { service, label, spans } of folded) {
      const key = `${label}\u0000${service}`;
      const atLeast = this.#heavy.offer(key, spans);
      if (this.#told.has(key)) culprits.push({ service, label, spans, isNew: false });
      else if (atLeast >= LEAST_SPANS && this.#told.size < TOLD) {
        this.#told.add(key);
        culprits.push({ service, label, spans: atLeast, isNew: true });
      }
    }
    return culprits;
  }
}
