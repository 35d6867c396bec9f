import type { Deadline } from './component.ts';
import { addressKey, assertSameTls, type HostPort, type TlsFiles } from './listen-address.ts';

export interface SharedAddress extends HostPort {
  readonly tls?: TlsFiles | undefined;
}

export interface SharedServer {
  readonly address: SharedAddress;
  /** Config paths of those who share it. */
  readonly options: readonly string[];
  open(): Promise<void>;
  close(deadline: Deadline): Promise<void>;
}

/** Servers of one protocol: who asks for an address that somebody has gets the same one. */
export class SharedServers<A extends SharedAddress, S extends SharedServer> {
  readonly #create: (address: A) => S;
  readonly #servers: S[] = [];
  readonly #byKey = new Map<string, S>();

  constructor(create: (address: A) => S) {
    this.#create = create;
  }

  /** @throws SpanweirError START when it is shared with other tls settings. */
  at(address: A, option: string): S {
    const key = addressKey(address);
    const shared = key === undefined ? undefined : this.#byKey.get(key);
    if (shared !== undefined) {
      assertSameTls(
        address,
        { tls: shared.address.tls, option: shared.options.join(', ') },
        { tls: address.tls, option },
      );
      return shared;
    }
    const server = this.#create(address);
    this.#servers.push(server);
    if (key !== undefined) this.#byKey.set(key, server);
    return server;
  }

  /** Opens every address that was asked for, or none: @throws SpanweirError START naming port and option. */
  async open(): Promise<void> {
    const results = await Promise.allSettled(this.#servers.map((server) => server.open()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    await this.close({ signal: AbortSignal.abort(), remainingMs: () => 0 });
    throw failed.reason;
  }

  async close(deadline: Deadline): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close(deadline)));
  }
}
