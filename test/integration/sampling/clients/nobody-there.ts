import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Stands at a port where a server was, hangs up on everyone, and counts them. */
export class NobodyThere {
  readonly #server: Server;
  #knocks = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#knocks += 1;
      socket.on('error', () => {});
      socket.destroy();
    });
  }

  static async at(port: number): Promise<NobodyThere> {
    const nobody = new NobodyThere();
    nobody.#server.listen(port, '127.0.0.1');
    await once(nobody.#server, 'listening');
    return nobody;
  }

  /** Connections so far. */
  get knocks(): number {
    return this.#knocks;
  }

  async leave(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
