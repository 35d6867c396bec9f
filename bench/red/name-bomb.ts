import { ProtoWriter } from '../../src/span/proto-writer.ts';

const OTHERS = 10;
const OPERATIONS = 20;
/** Of one of the other services, in each message. */
const OTHER_SPANS = 50;
const SERVER = 2;
const CLIENT = 3;
const KIND_NAMES: Readonly<Record<number, string>> = {
  [SERVER]: 'SPAN_KIND_SERVER',
  [CLIENT]: 'SPAN_KIND_CLIENT',
};
const LEN = 2;
const VARINT = 0;
const FIXED64 = 1;

/** Messages with spans of `bomb`, each with a name that never comes again, and spans of ten services with few names. */
export class NameBomb {
  spans = 0;
  names = 0;
  /** `service kind` to spans, and of the others `service kind name`. */
  readonly byKind = new Map<string, number>();
  readonly ofOthers = new Map<string, number>();
  readonly #writer = new ProtoWriter(256 * 1024);
  #messages = 0;

  message(bombNames: number): Buffer {
    const writer = this.#writer;
    writer.reset();
    const startNs = BigInt(Date.now()) * 1_000_000n;
    const other = `service-${this.#messages++ % OTHERS}`;
    this.#resource(other, () => {
      for (let i = 0; i < OTHER_SPANS; i++) {
        const name = `GET /operation-${i % OPERATIONS}`;
        const kind = i % 2 === 0 ? SERVER : CLIENT;
        this.#span(name, kind, startNs);
        add(this.ofOthers, `${other} ${KIND_NAMES[kind]} ${name}`);
        add(this.byKind, `${other} ${KIND_NAMES[kind]}`);
      }
    });
    if (bombNames === 0) return Buffer.from(writer.finish());
    this.#resource('bomb', () => {
      for (let i = 0; i < bombNames; i++) {
        const kind = i % 2 === 0 ? SERVER : CLIENT;
        this.#span(`GET /users/${this.names++}`, kind, startNs);
        add(this.byKind, `bomb ${KIND_NAMES[kind]}`);
      }
    });
    return Buffer.from(writer.finish());
  }

  #resource(service: string, spans: () => void): void {
    const writer = this.#writer;
    this.#message(1, () => {
      this.#message(1, () => {
        this.#message(1, () => {
          this.#text(1, 'service.name');
          this.#message(2, () => this.#text(1, service));
        });
      });
      writer.tag(2, LEN);
      const at = writer.begin();
      spans();
      writer.end(at);
    });
  }

  #span(name: string, kind: number, startNs: bigint): void {
    const writer = this.#writer;
    this.spans++;
    this.#message(2, () => {
      writer.tag(1, LEN);
      writer.varint(16);
      writer.fixed64(BigInt(this.spans));
      writer.fixed64(1n);
      writer.tag(2, LEN);
      writer.varint(8);
      writer.fixed64(BigInt(this.spans));
      this.#text(5, name);
      writer.tag(6, VARINT);
      writer.varint(kind);
      writer.tag(7, FIXED64);
      writer.fixed64(startNs);
      writer.tag(8, FIXED64);
      writer.fixed64(startNs + 1_000_000n);
    });
  }

  #message(field: number, write: () => void): void {
    this.#writer.tag(field, LEN);
    const at = this.#writer.begin();
    write();
    this.#writer.end(at);
  }

  #text(field: number, text: string): void {
    this.#writer.tag(field, LEN);
    this.#writer.string(text);
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
