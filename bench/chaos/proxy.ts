import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../scripts/parts/ports.mjs';

export type ProxyMode =
  | { readonly kind: 'pass' }
  /** Every piece of data waits so long, in both directions. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Connections are cut, new ones are reset. */
  | { readonly kind: 'cut' }
  /** Every nth request with a streamed body arrives whole, and instead of its answer there is a reset. */
  | { readonly kind: 'lose_answers'; readonly every: number }
  /**
   * Answers wait until `release`: those to inserts of data, or all that come on the connections that are open now.
   */
  | { readonly kind: 'hold'; readonly answers: 'inserts' | 'open' }
  /** Inserts into other tables than this one are cut off before they begin. */
  | { readonly kind: 'only'; readonly table: string };

/** The end of a chunked body: what clients send when all of an insert has been sent. */
const BODY_END = Buffer.from('0\r\n\r\n');

const REQUEST = Buffer.from('POST ');
const LOG = 'ingest_log';

/** Stands between the engines and ClickHouse. */
export class ClickHouseProxy {
  mode: ProxyMode = { kind: 'pass' };
  /** Answers that were taken away so far. */
  lostAnswers = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #heldClients: ReadonlySet<Socket> = new Set();
  readonly #held: { readonly client: Socket; readonly hand: () => unknown }[] = [];
  #bodies = 0;

  private constructor(port: number, targetPort: number) {
    this.port = port;
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client, targetPort));
  }

  static async start(targetPort: number): Promise<ClickHouseProxy> {
    const proxy = new ClickHouseProxy(await freePort(), targetPort);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(proxy.port, '127.0.0.1', () => resolve());
    });
    return proxy;
  }

  /** Also ends connections that are open. */
  cut(): void {
    this.mode = { kind: 'cut' };
    for (const client of this.#clients) client.resetAndDestroy();
  }

  /** 'inserts' may follow 'open': then both are held. */
  hold(answers: 'inserts' | 'open'): void {
    this.mode = { kind: 'hold', answers };
    if (answers === 'open') this.#heldClients = new Set(this.#clients);
  }

  /** Hands out what came on the connections that were open when `hold('open')` was called; the rest stays held. */
  releaseOpen(): void {
    const clients = this.#heldClients;
    this.#heldClients = new Set();
    const held = this.#held.splice(0);
    this.#held.push(...held.filter(({ client }) => !clients.has(client)));
    for (const { client, hand } of held) if (clients.has(client)) hand();
  }

  /** Hands out what was held; `pass` from here on. */
  release(): void {
    this.mode = { kind: 'pass' };
    this.#heldClients = new Set();
    for (const { hand } of this.#held.splice(0)) hand();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: Socket, targetPort: number): void {
    if (this.mode.kind === 'cut') {
      client.resetAndDestroy();
      return;
    }
    this.#clients.add(client);
    const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    let isDeaf = false;
    let isInsert = false;
    // The target hears the request to its end: it is the answer that gets lost.
    client.on('close', () => {
      this.#clients.delete(client);
      if (!isDeaf) target.destroy();
    });
    client.on('error', () => {});
    target.on('error', () => {});
    // Behind what is still on its way.
    target.on('close', () => {
      if (this.#held.some((held) => held.client === client))
        this.#held.push({ client, hand: () => client.end() });
      else setTimeout(() => client.destroy(), this.#delayMs);
    });
    client.on('data', (data) => {
      const asked = targetOf(data);
      if (asked !== undefined) isInsert = asked.includes('INSERT') && !asked.includes(LOG);
      if (asked !== undefined && this.#isForbidden(asked)) {
        client.resetAndDestroy();
        return;
      }
      if (this.#takesAnswer(data)) {
        isDeaf = true;
        this.lostAnswers++;
      }
      this.#pass(data, target);
    });
    target.on('data', (data) => {
      if (isDeaf) {
        client.resetAndDestroy();
        target.destroy();
      } else if (this.#isHeld(client, isInsert))
        this.#held.push({ client, hand: () => client.destroyed || client.write(data) });
      else this.#pass(data, client);
    });
  }

  #isHeld(client: Socket, isInsert: boolean): boolean {
    if (this.mode.kind !== 'hold') return false;
    return this.#heldClients.has(client) || (this.mode.answers === 'inserts' && isInsert);
  }

  #isForbidden(target: string): boolean {
    return this.mode.kind === 'only' && target.includes('INSERT') && !target.includes(this.mode.table);
  }

  #takesAnswer(data: Buffer): boolean {
    if (this.mode.kind !== 'lose_answers') return false;
    if (!data.subarray(-BODY_END.length).equals(BODY_END)) return false;
    this.#bodies++;
    return this.#bodies % this.mode.every === 0;
  }

  get #delayMs(): number {
    return this.mode.kind === 'slow' ? this.mode.delayMs : 0;
  }

  #pass(data: Buffer, to: Socket): void {
    if (this.mode.kind === 'slow') setTimeout(() => to.destroyed || to.write(data), this.#delayMs);
    else to.write(data);
  }
}

/** The first line of a request, readable; undefined in the middle of one. */
function targetOf(data: Buffer): string | undefined {
  if (!data.subarray(0, REQUEST.length).equals(REQUEST)) return undefined;
  return decodeURIComponent(data.subarray(0, data.indexOf('\r\n')).toString('latin1'));
}
