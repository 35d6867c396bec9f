import { readdirSync, readFileSync } from 'node:fs';
import { createClient } from '@clickhouse/client';
import type { Child } from '../support/engine.ts';
import { startDatabase } from '../support/full-engine.ts';
import type { Session } from '../support/session.ts';

/** A ClickHouse of its own, which can be frozen, killed and started again on the same data and port. */
export class OuterClickHouse {
  readonly port: number;
  readonly nativePort: number;
  readonly #session: Session;
  #host: Child;

  private constructor(session: Session, ports: readonly [number, number], host: Child) {
    this.#session = session;
    [this.port, this.nativePort] = ports;
    this.#host = host;
  }

  static async start(session: Session): Promise<OuterClickHouse> {
    const ports = (await session.ports(2)) as [number, number];
    const started = new OuterClickHouse(session, ports, await launch(session, ports));
    session.onEnd(async () => {
      started.thaw();
      await started.#host.stop(20_000);
    });
    return started;
  }

  /** The server and the process that watches over it. */
  get pids(): number[] {
    return [this.#host.pid, ...childrenOf(this.#host.pid)];
  }

  /** Connections stay open and nobody answers. */
  freeze(): void {
    for (const pid of this.pids) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#host.running()) for (const pid of this.pids) process.kill(pid, 'SIGCONT');
  }

  /** What a power cut looks like: the watching process first, so that it starts no other. */
  async kill(): Promise<void> {
    const servers = childrenOf(this.#host.pid);
    await this.#host.kill();
    for (const pid of servers) process.kill(pid, 'SIGKILL');
  }

  async startAgain(): Promise<void> {
    this.#host = await launch(this.#session, [this.port, this.nativePort]);
  }

  async query<T>(sql: string, database = 'spanweir'): Promise<T[]> {
    const client = createClient({ url: `http://127.0.0.1:${this.port}`, database });
    try {
      const result = await client.query({ query: sql, format: 'JSONEachRow' });
      return await result.json<T>();
    } finally {
      await client.close();
    }
  }

  async command(sql: string): Promise<void> {
    const client = createClient({ url: `http://127.0.0.1:${this.port}` });
    try {
      await client.command({ query: sql });
    } finally {
      await client.close();
    }
  }
}

function launch(session: Session, [httpPort, nativePort]: readonly [number, number]): Promise<Child> {
  return startDatabase(session, { name: 'database', httpPort, nativePort });
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );
}
