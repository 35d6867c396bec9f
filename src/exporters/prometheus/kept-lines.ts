import { formatOpenMetrics } from './go-number.ts';
import { digitsOf, isSmall, NumberText, writeDigits } from './number-text.ts';
import type { SeriesShape } from './series-shape.ts';
import type { LinesContext } from './text-lines.ts';

const BLOCK_BYTES = 1 << 18;
/** Of a block when it is made: its numbers grow. */
const FILLED_BYTES = BLOCK_BYTES - (BLOCK_BYTES >>> 3);
const LONGEST_NUMBER = 24;
const NEW_LINE = 0x0a;
const NONE: Buffer = Buffer.alloc(0);

/** The lines of series with ids from `from` up to `to`. */
interface Block {
  readonly from: number;
  to: number;
  bytes: Buffer;
  used: number;
}

/**
 * A family's lines as they were shown last. For the next page only numbers that have changed are written: in their
 * places while they have as many digits as before; what stands behind one that has more moves.
 */
export class KeptLines {
  #blockBytes = 0;
  #blocks: Block[] = [];
  /** By id, as shown: SeriesStore.births, or 0 for a free id. */
  #births = new Float64Array(0);
  #calls = new Float64Array(0);
  #sums = new Float64Array(0);
  /** Bytes of all lines of a series. */
  #lengths = new Uint32Array(0);
  /** By id and line: characters of its number. */
  #digits = new Uint8Array(0);
  /** By line: what stands around the labels. */
  #around = new Uint32Array(0);
  #own = new Float64Array(0);
  readonly #text = new NumberText();
  #spare: Buffer = NONE;

  get heldBytes(): number {
    const columns = [this.#births, this.#calls, this.#sums, this.#lengths, this.#digits];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, this.#blockBytes);
  }

  /** As of the last update; may be used until the next one. */
  get parts(): Buffer[] {
    return this.#blocks.map(({ bytes, used }) => bytes.subarray(0, used));
  }

  /** Makes the lines show what the store has; yields the bytes of each block that is done. Others may run in between. */
  *update(context: LinesContext, shape: SeriesShape): Generator<number, void, void> {
    const { size } = context.bodies;
    this.#reserve(size, shape);
    const before = this.#blocks;
    this.#blocks = [];
    for (const block of before) {
      if (block.to <= size && this.#patch(block, context, shape)) {
        this.#blocks.push(block);
        yield block.used;
      } else {
        this.#give(block.bytes);
        yield* this.#make(block.from, Math.min(block.to, size), { context, shape });
      }
    }
    yield* this.#make(this.#blocks.at(-1)?.to ?? 0, size, { context, shape });
  }

  /** False: other series are there than when the block was made. */
  #patch(block: Block, { store, bodies }: LinesContext, shape: SeriesShape): boolean {
    const { styles } = shape;
    const lines = styles.length;
    const isCount = Uint8Array.from(styles, ({ as, places }) =>
      places === 0 && as !== 'open float' ? 1 : 0,
    );
    const [around, own, digits, text] = [this.#around, this.#own, this.#digits, this.#text];
    const [source, number] = [block.bytes, text.bytes];
    let at = 0;
    // Where something has moved: up to where the source has been copied, and where it goes on.
    let [copied, target, to] = [0, source, 0];
    for (let id = block.from; id < block.to; id++) {
      const birth = birthOf(store, id);
      if (birth !== this.#births[id]) {
        if (target !== source) this.#give(target);
        return false;
      }
      if (birth === 0) continue;
      const end = at + (this.#lengths[id] as number);
      if (this.#note(store, id)) {
        shape.read(id, own);
        const body = bodies.lengthOf(id);
        for (let line = 0; line < lines; line++) {
          at += (around[line] as number) + body;
          const was = digits[id * lines + line] as number;
          const value = own[line] as number;
          if (isCount[line] === 1 && isSmall(value) && digitsOf(value) === was) {
            writeDigits(source, at, value, was);
            at += was + 1;
            continue;
          }
          text.write(value, styles[line] as SeriesShape['styles'][number]);
          const { length } = text;
          if (length === was) {
            for (let i = 0; i < length; i++) source[at + i] = number[i] as number;
          } else {
            if (target === source) target = this.#take(block.used + (block.to - id) * lines * LONGEST_NUMBER);
            to += source.copy(target, to, copied, at);
            for (let i = 0; i < length; i++) target[to + i] = number[i] as number;
            to += length;
            copied = at + was;
            digits[id * lines + line] = length;
            this.#lengths[id] = (this.#lengths[id] as number) + length - was;
          }
          at += was + 1;
        }
      }
      at = end;
    }
    if (target === source) return true;
    to += source.copy(target, to, copied, block.used);
    block.bytes = target;
    block.used = to;
    this.#give(source);
    return true;
  }

  /** Lines of series from `from` up to `end`, behind those of the last block where it has room. */
  *#make(
    from: number,
    end: number,
    { context, shape }: { readonly context: LinesContext; readonly shape: SeriesShape },
  ): Generator<number, void, void> {
    let block = this.#blocks.at(-1);
    let done = 0;
    for (let id = from; id < end; id++) {
      const needed = this.#needed(id, context, shape);
      if (block === undefined || block.used + needed > FILLED_BYTES) {
        yield done;
        done = 0;
        block = { from: id, to: id, bytes: this.#take(needed), used: 0 };
        this.#blocks.push(block);
      }
      const { used } = block;
      if (birthOf(context.store, id) !== 0) this.#write(block, id, { context, shape });
      this.#births[id] = birthOf(context.store, id);
      this.#lengths[id] = block.used - used;
      done += block.used - used;
      block.to = id + 1;
    }
    yield done;
  }

  #write(
    block: Block,
    id: number,
    {
      context: { store, bodies, tail },
      shape,
    }: { readonly context: LinesContext; readonly shape: SeriesShape },
  ): void {
    const { starts, middles, styles, created } = shape;
    const [bytes, own, text] = [block.bytes, this.#own, this.#text];
    const body = bodies.bytesOf(id);
    this.#note(store, id);
    shape.read(id, own);
    let at = block.used;
    for (let line = 0; line < styles.length; line++) {
      at += (starts[line] as Buffer).copy(bytes, at);
      at += body.copy(bytes, at);
      at += (middles[line] as Buffer).copy(bytes, at);
      text.write(own[line] as number, styles[line] as SeriesShape['styles'][number]);
      for (let i = 0; i < text.length; i++) bytes[at++] = text.bytes[i] as number;
      bytes[at++] = NEW_LINE;
      this.#digits[id * styles.length + line] = text.length;
    }
    if (created !== undefined) {
      at += created.copy(bytes, at);
      at += body.copy(bytes, at);
      at += bytes.write(`} ${formatOpenMetrics((store.createdMs[id] as number) / 1000)}${tail}`, at);
    }
    block.used = at;
  }

  /** Bytes that the lines of a series may have. */
  #needed(id: number, { bodies }: LinesContext, { styles, created }: SeriesShape): number {
    let bytes = 0;
    for (const around of this.#around) bytes += around + LONGEST_NUMBER + 1;
    if (created !== undefined) bytes += created.length + bodies.lengthOf(id) + LONGEST_NUMBER + 4;
    return bytes + styles.length * bodies.lengthOf(id);
  }

  /** True when the series counts something else than what is shown. */
  #note({ calls, durationSumNs }: LinesContext['store'], id: number): boolean {
    const [count, sum] = [calls[id] as number, durationSumNs[id] as number];
    // Beyond 2^53 one more may leave the count as it is.
    if (count === this.#calls[id] && sum === this.#sums[id] && count < Number.MAX_SAFE_INTEGER) return false;
    this.#calls[id] = count;
    this.#sums[id] = sum;
    return true;
  }

  #reserve(size: number, { starts, middles, styles }: SeriesShape): void {
    this.#around = Uint32Array.from(styles, (_, i) => (starts[i]?.length ?? 0) + (middles[i]?.length ?? 0));
    if (this.#own.length !== styles.length) this.#own = new Float64Array(styles.length);
    if (size <= this.#births.length) return;
    const room = Math.max(1024, size + (size >>> 1));
    this.#births = moved(this.#births, new Float64Array(room));
    this.#calls = moved(this.#calls, new Float64Array(room));
    this.#sums = moved(this.#sums, new Float64Array(room));
    this.#lengths = moved(this.#lengths, new Uint32Array(room));
    this.#digits = moved(this.#digits, new Uint8Array(room * styles.length));
  }

  /** Bytes for a block. */
  #take(needed: number): Buffer {
    let bytes = this.#spare;
    this.#spare = NONE;
    if (bytes.length < needed || bytes.length === 0) {
      this.#blockBytes -= bytes.length;
      bytes = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, needed));
      this.#blockBytes += bytes.length;
    }
    return bytes;
  }

  #give(bytes: Buffer): void {
    this.#blockBytes -= this.#spare.length;
    this.#spare = bytes;
  }
}

function birthOf({ createdMs, births }: LinesContext['store'], id: number): number {
  return createdMs[id] === 0 ? 0 : (births[id] as number);
}

function moved<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
