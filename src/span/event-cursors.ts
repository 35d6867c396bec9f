import { EVENTS_OF_SPAN, LINKS_OF_SPAN } from './attributes.ts';
import { ScanError } from './scan-error.ts';
import { NONE } from './span-batch.ts';
import { WIRE, Wire } from './wire.ts';

const EMPTY = new Uint8Array(0);

/** Walks one repeated message field of a span; ends, with `malformed` set, where the bytes can't be read. */
abstract class MessageCursor {
  malformed = false;
  /** The message that the cursor stands on, which is also where its attributes are. */
  messageAt = 0;
  messageEnd = 0;
  protected bytes: Uint8Array = EMPTY;
  protected readonly wire = new Wire();
  readonly #tag: number;
  #at = 0;
  #end = 0;

  constructor(fieldNumber: number) {
    this.#tag = fieldNumber * 8 + WIRE.len;
  }

  /** The range as in the batch's columns; it may hold other fields too. */
  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.malformed = false;
  }

  /** Moves to the next message; false when there is none. */
  next(): boolean {
    const { bytes, wire } = this;
    const end = this.#end;
    try {
      while (this.#at < end) {
        const tag = wire.tag(bytes, this.#at, end);
        if (tag === this.#tag) {
          const length = wire.length(bytes, wire.at, end);
          this.messageAt = wire.at;
          this.messageEnd = wire.at + length;
          this.#at = this.messageEnd;
          this.read();
          return true;
        }
        this.#at = wire.skip(bytes, wire.at, end, tag);
      }
    } catch (error) {
      if (!(error instanceof ScanError)) throw error;
      this.malformed = true;
      this.#at = end;
    }
    return false;
  }

  protected abstract read(): void;
}

const EVENT = { time: 0x09, name: 0x12 } as const;
const READ_IN_EVENT = 0b110;

/** Events of a span. Attributes: AttributeCursor over [messageAt, messageEnd) with ATTRIBUTES_OF.event. */
export class EventCursor extends MessageCursor {
  /** ns since the epoch = timeHi * 2^32 + timeLo. */
  timeLo = 0;
  timeHi = 0;
  nameAt = 0;
  nameLength = 0;

  constructor() {
    super(EVENTS_OF_SPAN);
  }

  protected read(): void {
    const { bytes, wire, messageEnd: end } = this;
    this.timeLo = 0;
    this.timeHi = 0;
    this.nameAt = 0;
    this.nameLength = 0;
    let at = this.messageAt;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag === EVENT.time) {
        this.timeLo = wire.fixed64(bytes, wire.at, end);
        this.timeHi = wire.hi;
        at = wire.at;
      } else if (tag === EVENT.name) {
        this.nameLength = wire.length(bytes, wire.at, end);
        this.nameAt = wire.at;
        at = wire.at + this.nameLength;
      } else at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_EVENT);
    }
  }
}

const LINK = { traceId: 0x0a, spanId: 0x12, traceState: 0x1a } as const;
const READ_IN_LINK = 0b1110;

/** Links of a span. Attributes: AttributeCursor over [messageAt, messageEnd) with ATTRIBUTES_OF.link. */
export class LinkCursor extends MessageCursor {
  /** Offset of 16 bytes, or NONE. */
  traceIdAt = NONE;
  /** Offset of 8 bytes, or NONE. */
  spanIdAt = NONE;
  traceStateAt = 0;
  traceStateLength = 0;

  constructor() {
    super(LINKS_OF_SPAN);
  }

  protected read(): void {
    const { bytes, wire, messageEnd: end } = this;
    this.traceIdAt = NONE;
    this.spanIdAt = NONE;
    this.traceStateAt = 0;
    this.traceStateLength = 0;
    let at = this.messageAt;
    while (at < end) {
      const tag = wire.tag(bytes, at, end);
      if (tag !== LINK.traceId && tag !== LINK.spanId && tag !== LINK.traceState) {
        at = wire.skipUnknown(bytes, wire.at, end, tag, READ_IN_LINK);
        continue;
      }
      const length = wire.length(bytes, wire.at, end);
      at = wire.at + length;
      if (tag === LINK.traceId) this.traceIdAt = length === 16 ? wire.at : NONE;
      else if (tag === LINK.spanId) this.spanIdAt = length === 8 ? wire.at : NONE;
      else {
        this.traceStateAt = wire.at;
        this.traceStateLength = length;
      }
    }
  }
}
