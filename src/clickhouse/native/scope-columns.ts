import { ScanError } from '../../span/scan-error.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { Wire } from '../../span/wire.ts';
import { WordColumn } from './columns.ts';

const SCOPE_NAME = 0x0a;
const SCOPE_VERSION = 0x12;

/** ScopeName and ScopeVersion. */
export class ScopeColumns {
  readonly names = new WordColumn();
  readonly versions = new WordColumn();
  readonly #wire = new Wire();

  collect(batch: SpanBatch): void {
    const { scope, scopeAt, scopeEnd, scopes, spans } = batch;
    const { names, versions } = this;
    names.reset();
    versions.reset();
    const nameOf = new Uint32Array(scopes);
    const versionOf = new Uint32Array(scopes);
    for (let s = 0; s < scopes; s++) {
      const from = scopeAt[s] as number;
      const end = scopeEnd[s] as number;
      nameOf[s] = this.#internField(names, batch, [from, end], SCOPE_NAME);
      versionOf[s] = this.#internField(versions, batch, [from, end], SCOPE_VERSION);
    }
    for (let i = 0; i < spans; ) {
      const s = scope[i] as number;
      const first = i;
      while (i < spans && scope[i] === s) i++;
      names.pushRun(nameOf[s] as number, i - first);
      versions.pushRun(versionOf[s] as number, i - first);
    }
  }

  /** The last string field with that tag inside the message, as far as it can be read; '' when there is none. */
  #internField(
    column: WordColumn,
    { arena, view }: SpanBatch,
    [from, end]: readonly [number, number],
    wanted: number,
  ): number {
    const wire = this.#wire;
    let valueAt = 0;
    let length = 0;
    try {
      for (let at = from; at < end; ) {
        const tag = wire.tag(arena, at, end);
        at = wire.skip(arena, wire.at, end, tag);
        if (tag !== wanted) continue;
        valueAt = wire.at;
        length = at - valueAt;
      }
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
    }
    return column.words.internView(view, valueAt, length);
  }
}
