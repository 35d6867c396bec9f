import { connect, type Socket } from 'node:net';

/** Ready-made requests, so that asking costs next to nothing. */
export type RequestOf = (poll: number) => Buffer;

export interface PollFigures {
  readonly polls: number;
  /** Replies whose status or length were not as they should be. */
  readonly wrong: number;
  readonly seconds: number;
  /** From when a poll was due until its reply was read, ms, sorted. */
  readonly latenciesMs: Float64Array;
}

interface Connection {
  readonly socket: Socket;
  /** When the polls that wait here, or are under way, were due. */
  readonly dueMs: number[];
  isBusy: boolean;
  left: number;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** Many kept connections to one server, each with one poll under way at a time, as SDKs have them. */
export class HttpPollers {
  readonly #connections: Connection[] = [];
  readonly #requestOf: RequestOf;
  readonly #latenciesMs: number[] = [];
  #sent = 0;
  #done = 0;
  #wrong = 0;
  #isClosedLoop = false;

  private constructor(requestOf: RequestOf) {
    this.#requestOf = requestOf;
  }

  static async open(port: number, connections: number, requestOf: RequestOf): Promise<HttpPollers> {
    const pollers = new HttpPollers(requestOf);
    for (let i = 0; i < connections; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', () => resolve());
        socket.once('error', reject);
      });
      const connection: Connection = { socket, dueMs: [], isBusy: false, left: 0 };
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
    connection.socket.write(this.#requestOf(this.#sent++));
  }

  #read(connection: Connection, data: Buffer): void {
    if (connection.left === 0) {
      const head = data.indexOf(END_OF_HEAD);
      // A head of 150 bytes comes whole.
      const text = data.toString('latin1', 0, head);
      const length = /^content-length: (\d+)/im.exec(text)?.[1];
      if (head < 0 || length === undefined || !text.startsWith('HTTP/1.1 200 ')) this.#wrong += 1;
      connection.left = Number(length ?? 0) - (data.length - head - END_OF_HEAD.length);
    } else connection.left -= data.length;
    if (connection.left > 0) return;
    connection.left = 0;
    this.#done += 1;
    this.#latenciesMs.push(performance.now() - (connection.dueMs.shift() as number));
    if (connection.dueMs.length > 0) this.#send(connection);
    else if (this.#isClosedLoop) this.#pollAgain(connection);
    else connection.isBusy = false;
  }

  #pollAgain(connection: Connection): void {
    connection.dueMs.push(performance.now());
    this.#send(connection);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
