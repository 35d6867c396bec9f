import { connect, type Socket } from 'node:net';
import type { PollFigures } from './poll-figures.ts';

/** Ready-made requests, so that asking costs next to nothing, and what must come back. */
export interface AskedOverHttp {
  readonly requestOf: (poll: number) => Buffer;
  /** `body` is what came, a character for each byte, with status 200. */
  readonly isRight: (poll: number, body: string) => boolean;
}

interface Connection {
  readonly socket: Socket;
  /** When the polls that wait here, or are under way, were due. */
  readonly dueMs: number[];
  isBusy: boolean;
  /** The number of the poll under way. */
  poll: number;
  /** What has come of its reply. */
  begun: Buffer | undefined;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** Many kept connections to one server, each with one poll under way at a time, as SDKs have them. */
export class HttpPollers {
  readonly #connections: Connection[] = [];
  readonly #asked: AskedOverHttp;
  readonly #latenciesMs: number[] = [];
  #sent = 0;
  #done = 0;
  #wrong = 0;
  #isClosedLoop = false;

  private constructor(asked: AskedOverHttp) {
    this.#asked = asked;
  }

  static async open(port: number, connections: number, asked: AskedOverHttp): Promise<HttpPollers> {
    const pollers = new HttpPollers(asked);
    for (let i = 0; i < connections; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', () => resolve());
        socket.once('error', reject);
      });
      const connection: Connection = { socket, dueMs: [], isBusy: false, poll: 0, begun: undefined };
      socket.on('data', (data) => pollers.#read(connection, data));
      pollers.#connections.push(connection);
    }
    return pollers;
  }

  /** Each connection polls again as soon as it has its reply. */
  async closedLoop(seconds: number): Promise<PollFigures> {
    this.#isClosedLoop = true;
    const figures = this.#measured(async () => {
      for (const connection of this.#connections) this.#poll(connection, performance.now());
      await pause(seconds * 1000);
      this.#isClosedLoop = false;
      await this.#quiet();
    });
    return figures;
  }

  /** So many polls a second are due, whatever becomes of them. */
  async openLoop(perSecond: number, seconds: number): Promise<PollFigures> {
    return this.#measured(async () => {
      const startMs = performance.now();
      const total = perSecond * seconds;
      for (let due = 0; due < total; ) {
        const elapsedMs = performance.now() - startMs;
        for (; due < total && (due * 1000) / perSecond <= elapsedMs; due++) {
          const connection = this.#connections[due % this.#connections.length] as Connection;
          this.#poll(connection, startMs + (due * 1000) / perSecond);
        }
        await pause(1);
      }
      await this.#quiet();
    });
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }

  async #measured(work: () => Promise<void>): Promise<PollFigures> {
    const [done, wrong] = [this.#done, this.#wrong];
    this.#latenciesMs.length = 0;
    const startMs = performance.now();
    await work();
    return {
      polls: this.#done - done,
      wrong: this.#wrong - wrong,
      seconds: (performance.now() - startMs) / 1000,
      latenciesMs: Float64Array.from(this.#latenciesMs).sort(),
    };
  }

  async #quiet(): Promise<void> {
    const untilMs = performance.now() + 60_000;
    while (this.#connections.some(({ isBusy }) => isBusy)) {
      if (performance.now() > untilMs) throw new Error('some polls were never answered');
      await pause(5);
    }
  }

  #poll(connection: Connection, dueMs: number): void {
    connection.dueMs.push(dueMs);
    if (!connection.isBusy) this.#send(connection);
  }

  #send(connection: Connection): void {
    connection.isBusy = true;
    connection.poll = this.#sent++;
    connection.socket.write(this.#asked.requestOf(connection.poll));
  }

  #read(connection: Connection, data: Buffer): void {
    const { begun } = connection;
    const reply = begun === undefined ? data : Buffer.concat([begun, data]);
    const endOfHead = reply.indexOf(END_OF_HEAD);
    const head = reply.toString('latin1', 0, Math.max(0, endOfHead));
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (endOfHead < 0 || reply.length < endOfHead + END_OF_HEAD.length + length) {
      connection.begun = reply;
      return;
    }
    connection.begun = undefined;
    const body = reply.toString('latin1', endOfHead + END_OF_HEAD.length);
    const isRight = head.startsWith('HTTP/1.1 200 ') && this.#asked.isRight(connection.poll, body);
    if (!isRight) this.#wrong += 1;
    this.#done += 1;
    this.#latenciesMs.push(performance.now() - (connection.dueMs.shift() as number));
    connection.isBusy = false;
    if (connection.dueMs.length > 0) this.#send(connection);
    else if (this.#isClosedLoop) this.#poll(connection, performance.now());
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
