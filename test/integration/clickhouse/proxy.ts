import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** When a connection is reset, as seen by the client. */
export type Trouble =
  /** When the last byte of the body has been passed on; the server goes on. */
  | 'after_body'
  /** When the answer has come; nothing of it is passed on. */
  | 'before_answer';

/** A TCP proxy in front of an HTTP server that cuts connections in the middle of inserts. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #trouble: Trouble | undefined;
  #left = 0;
  cuts = 0;

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
      }
      this.#join(client, upstream);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests with a chunked body (inserts) come to grief. */
  cut(trouble: Trouble, times: number): void {
    this.#trouble = trouble;
    this.#left = times;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(client: Socket, upstream: Socket): void {
    let tail = '';
    let isCut = false;
    let isDoomed = false;
    const reset = (): void => {
      this.cuts++;
      isCut = true;
      client.resetAndDestroy();
    };
    client.on('data', (bytes) => {
      upstream.write(bytes);
      tail = (tail + bytes.toString('latin1')).slice(-5);
      if (tail !== '0\r\n\r\n' || this.#left === 0) return;
      this.#left--;
      if (this.#trouble === 'after_body') reset();
      else isDoomed = true;
    });
    upstream.on('data', (bytes) => {
      if (isDoomed && !isCut) reset();
      if (!isCut) client.write(bytes);
    });
    // A client that went away by itself takes the server's side with it; one that was cut off does not.
    client.on('close', () => {
      if (!isCut) upstream.end();
    });
    upstream.on('close', () => client.destroy());
  }
}
