import { setImmediate } from 'node:timers/promises';
import { KeptLines } from './kept-lines.ts';
import { contentType } from './negotiate.ts';
import { familiesOf, headOf, linesContextOf, lineWriterFor, targetInfoLines } from './page.ts';
import type { Family, PageRequest } from './page-request.ts';
import { counterShape, durationShape } from './series-shape.ts';

/** A page that nobody has asked for so long is let go of. */
const UNUSED_MS = 300_000;
/** Others may run after so many bytes of a page. */
const PAUSE_BYTES = 1 << 20;

/** A page whose parts are changed for the next one, unless somebody still reads them. */
export interface LentPage {
  readonly parts: readonly Buffer[];
  readers: number;
}

interface KeptPage extends LentPage {
  parts: Buffer[];
  /** By family; those that the last page had. */
  families: Map<string, KeptLines>;
  usedMs: number;
}

/**
 * Pages as text that are kept for the next scrape, which costs little then: of all formats together at most
 * `mostBytes`. A page that has no room, whose lines all change (timestamps) or have more than one number that does
 * (exemplars), or of which each scraper sees another, is none of them.
 */
export class KeptPages {
  readonly #mostBytes: number;
  /** By format. */
  readonly #pages = new Map<string, KeptPage>();
  /** Series of the smallest page that had no room. */
  #tooMany = Number.POSITIVE_INFINITY;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The page as it is now; undefined when it is not kept. One is begun only where that is asked for. */
  async of(request: PageRequest, nowMs: number, isBegun: boolean): Promise<LentPage | undefined> {
    const { format, timestampMs, seen } = request;
    if (format.protobuf || timestampMs !== undefined || seen !== Number.POSITIVE_INFINITY) return undefined;
    const families = familiesOf(request);
    if (format.openMetrics && families.some(({ store }) => store?.exemplars !== undefined)) return undefined;
    const key = contentType(format);
    const known = this.#pages.get(key);
    const size = families.reduce((sum, { store }) => sum + (store?.size ?? 0), request.targets.length);
    if ((known === undefined && (!isBegun || size >= this.#tooMany)) || (known?.readers ?? 0) > 0) {
      return undefined;
    }
    // What is done by half is not used again.
    this.#pages.delete(key);
    const page = known ?? { parts: [], families: new Map(), usedMs: nowMs, readers: 0 };
    page.usedMs = nowMs;
    if (!(await this.#update(page, families, request))) {
      this.#tooMany = Math.min(this.#tooMany, size);
      return undefined;
    }
    this.#pages.set(key, page);
    return page;
  }

  /** Lets go of pages that are not used. */
  sweep(nowMs: number): void {
    for (const [key, { usedMs }] of this.#pages) {
      if (nowMs - usedMs <= UNUSED_MS) continue;
      this.#pages.delete(key);
      this.#tooMany = Number.POSITIVE_INFINITY;
    }
  }

  /** False when there is no room. */
  async #update(page: KeptPage, families: readonly Family[], request: PageRequest): Promise<boolean> {
    const { format } = request;
    const others = [...this.#pages.values()].reduce((sum, { families }) => sum + heldBytes(families), 0);
    const before = page.families;
    page.families = new Map();
    page.parts = [];
    let loose = 0;
    for (const family of families) {
      const head = Buffer.from(headOf(family, format).join(''));
      page.parts.push(head);
      loose += head.length;
      const context = linesContextOf(family, request);
      if (context === undefined) {
        const own = targetParts(family, request);
        page.parts.push(...own);
        for (const { length } of own) loose += length;
        continue;
      }
      const bounds = family.source?.bounds ?? [];
      const name = [family.type, family.name, ...bounds].join(' ');
      const lines = before.get(name) ?? new KeptLines();
      page.families.set(name, lines);
      const shape = family.type === 'histogram' ? durationShape(context, bounds) : counterShape(context);
      let done = 0;
      for (const bytes of lines.update(context, shape)) {
        if (others + loose + heldBytes(page.families) > this.#mostBytes) return false;
        done += bytes;
        if (done < PAUSE_BYTES) continue;
        done = 0;
        await setImmediate();
      }
      page.parts.push(...lines.parts);
    }
    if (format.openMetrics) page.parts.push(Buffer.from('# EOF\n'));
    return true;
  }
}

function targetParts(family: Family, request: PageRequest): Buffer[] {
  const writer = lineWriterFor([family], request, 1 << 16);
  // The writer uses its chunk again.
  const parts = Array.from(targetInfoLines(writer, family, request), (chunk) => Buffer.from(chunk));
  return [...parts, Buffer.from(writer.take())];
}

function heldBytes(families: ReadonlyMap<string, KeptLines>): number {
  let bytes = 0;
  for (const lines of families.values()) bytes += lines.heldBytes;
  return bytes;
}
