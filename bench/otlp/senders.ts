import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { RequestBody } from './requests.ts';

export interface SenderOptions {
  readonly protocol: 'grpc' | 'http';
  readonly gzip: boolean;
  readonly port: number;
  readonly connections: number;
}

/** `taken` = acknowledged; `refused` = to be sent again later. */
export type Fate = 'taken' | 'refused';

export interface Sent {
  /** By request: how often it was acknowledged. */
  readonly taken: number[];
  takenRequests: number;
  refusedRequests: number;
  readonly seconds: number;
}

/** One request under way at a time. */
interface Line {
  readonly send: (request: number) => Promise<Fate>;
  readonly close: () => void;
}

/** Kept connections to one OTLP receiver. What is sent was made before, so that the sender costs little. */
export class OtlpSenders {
  readonly #lines: Line[];
  readonly #requests: number;

  private constructor(lines: Line[], requests: number) {
    this.#lines = lines;
    this.#requests = requests;
  }

  static async open(options: SenderOptions, requests: readonly RequestBody[]): Promise<OtlpSenders> {
    const { protocol, gzip, connections, port } = options;
    const bodies = requests.map(({ gzipped, plain }) => (gzip ? gzipped : plain));
    const open = protocol === 'grpc' ? grpcLine : httpLine;
    const lines: Line[] = [];
    for (let i = 0; i < connections; i++) lines.push(await open(port, bodies, gzip));
    return new OtlpSenders(lines, requests.length);
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  /** Sends each request `rounds` times, as fast as the connections go; a refused one is sent again. */
  async closedLoop(rounds: number): Promise<Sent> {
    const total = rounds * this.#requests;
    let next = 0;
    return await this.#measured(async (line, count) => {
      while (next < total) {
        const request = next++ % this.#requests;
        while (count(request, await line.send(request)) === 'refused') await pause(5);
      }
    });
  }

  /**
   * So many requests a second are due, spread over the connections. One whose connection is still busy is offered and given up:
   * that, too, is a request that was not accepted.
   */
  async openLoop(perSecond: number, seconds: number): Promise<Sent> {
    const startMs = performance.now();
    const endMs = startMs + seconds * 1000;
    const everyMs = (this.#lines.length / perSecond) * 1000;
    let nextRequest = 0;
    return await this.#measured(async (line, count, index) => {
      let dueMs = startMs + (index / this.#lines.length) * everyMs;
      while (dueMs < endMs) {
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await pause(waitMs);
        const request = nextRequest++ % this.#requests;
        count(request, await line.send(request));
        dueMs += everyMs;
        while (dueMs < performance.now() - everyMs) dueMs += everyMs;
      }
    });
  }

  async #measured(
    work: (line: Line, count: (request: number, fate: Fate) => Fate, index: number) => Promise<void>,
  ): Promise<Sent> {
    const taken = Array.from({ length: this.#requests }, () => 0);
    const sent = { taken, takenRequests: 0, refusedRequests: 0, seconds: 0 };
    const count = (request: number, fate: Fate): Fate => {
      if (fate === 'taken') {
        sent.takenRequests++;
        taken[request] = (taken[request] ?? 0) + 1;
      } else sent.refusedRequests++;
      return fate;
    };
    const startMs = performance.now();
    await Promise.all(this.#lines.map((line, index) => work(line, count, index)));
    sent.seconds = (performance.now() - startMs) / 1000;
    return sent;
  }
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');

async function httpLine(port: number, bodies: readonly Buffer[], gzip: boolean): Promise<Line> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await opened(socket);
  const heads = bodies.map((body) =>
    Buffer.from(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n` +
        `${gzip ? 'Content-Encoding: gzip\r\n' : ''}Content-Length: ${body.length}\r\n\r\n`,
    ),
  );
  let settle: { resolve: (fate: Fate) => void; reject: (error: Error) => void } | undefined;
  let text = '';
  const answered = (): void => {
    const head = text.indexOf(END_OF_HEAD.toString());
    if (head < 0) return;
    const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, head))?.[1] ?? 0);
    if (text.length < head + END_OF_HEAD.length + length) return;
    const status = text.slice(9, 12);
    text = '';
    if (status === '200') settle?.resolve('taken');
    else if (status === '429' || status === '503') settle?.resolve('refused');
    else settle?.reject(new Error(`a request was answered with ${status}`));
  };
  socket.on('data', (data) => {
    text += data.toString('latin1');
    answered();
  });
  socket.on('error', (error) => settle?.reject(error));
  socket.on('close', () => settle?.reject(new Error('the connection was closed')));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        socket.cork();
        socket.write(heads[request] as Buffer);
        socket.write(bodies[request] as Buffer);
        socket.uncork();
      }),
    close: () => socket.destroy(),
  };
}

async function grpcLine(port: number, bodies: readonly Buffer[], gzip: boolean): Promise<Line> {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1 << 20 } });
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', reject);
  });
  const frames = bodies.map((body) => {
    const head = Buffer.from([gzip ? 1 : 0, 0, 0, 0, 0]);
    head.writeUInt32BE(body.length, 1);
    return Buffer.concat([head, body]);
  });
  const headers = {
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(gzip && { 'grpc-encoding': 'gzip' }),
  };
  return {
    send: (request) => grpcCall(session, headers, frames[request] as Buffer),
    close: () => session.destroy(),
  };
}

function grpcCall(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  frame: Buffer,
): Promise<Fate> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    const settle = (answer: IncomingHttpHeaders): void => {
      const status = answer['grpc-status'];
      if (status === '0') resolve('taken');
      else if (status === '8' || status === '14') resolve('refused');
      else if (status !== undefined) reject(new Error(`a request was answered with ${String(status)}`));
    };
    // An answer without a message has its status among the headers.
    stream.on('response', settle);
    stream.on('trailers', settle);
    stream.on('error', reject);
    stream.resume();
    stream.end(frame);
  });
}

function opened(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
