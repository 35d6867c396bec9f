import { ScanError } from './scan-error.ts';
import type { SpanBatch } from './span-batch.ts';
import { NONE } from './span-batch.ts';
import { Wire } from './wire.ts';

const SCOPE = { name: 0x0a, version: 0x12 } as const;

/** Name and version of the instrumentation scopes of a batch, one in hand at a time. */
export class ScopeReader {
  nameAt = 0;
  nameLength = 0;
  versionAt = 0;
  versionLength = 0;
  /** It has a name, and that is one of the wanted. */
  isShown = false;
  readonly #wanted: readonly Buffer[];
  readonly #wire = new Wire();
  #batch: SpanBatch | undefined;
  #inHand = NONE;

  constructor(wanted: readonly string[]) {
    this.#wanted = wanted.map((name) => Buffer.from(name));
  }

  begin(batch: SpanBatch): void {
    this.#batch = batch;
    this.#inHand = NONE;
  }

  /** @param scope index into the scope columns */
  read(scope: number): void {
    if (scope === this.#inHand) return;
    this.#inHand = scope;
    this.nameLength = 0;
    this.versionLength = 0;
    const { arena, scopeAt, scopeEnd } = this.#batch as SpanBatch;
    try {
      this.#fields(arena, scopeAt[scope] as number, scopeEnd[scope] as number);
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
    }
    const name = arena.subarray(this.nameAt, this.nameAt + this.nameLength);
    this.isShown = this.nameLength > 0 && this.#wanted.some((wanted) => wanted.equals(name));
  }

  /** Of a field that comes twice the last one counts. */
  #fields(arena: Buffer, from: number, end: number): void {
    const wire = this.#wire;
    let at = from;
    while (at < end) {
      const tag = wire.tag(arena, at, end);
      if (tag !== SCOPE.name && tag !== SCOPE.version) {
        at = wire.skip(arena, wire.at, end, tag);
        continue;
      }
      const length = wire.length(arena, wire.at, end);
      at = wire.at + length;
      if (tag === SCOPE.name) {
        this.nameAt = wire.at;
        this.nameLength = length;
      } else {
        this.versionAt = wire.at;
        this.versionLength = length;
      }
    }
  }
}
