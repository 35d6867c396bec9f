import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Clock } from '../base/clock.ts';
import type { Deadline } from '../base/component.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Counter, HealthReporter, Log } from '../base/instruments.ts';
import { listenError } from '../base/listen-address.ts';
import { backoffMs } from '../flow/retry.ts';
import {
  type Engine,
  type EngineSettings,
  engineArguments,
  engineConfig,
  findEngine,
  type HostOrder,
  NO_BINARY,
  noEngine,
  readinessQuery,
} from './embedded-engine.ts';

export interface EmbeddedContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly health: HealthReporter;
  readonly restarts: Counter;
  /** Config paths, named when what they set can't be had. */
  readonly options: {
    readonly directory: string;
    readonly endpoint: string;
    readonly nativeEndpoint: string;
  };
  /** Where the program runs, as "linux-x64". */
  readonly platform: string;
}

const READY_WITHIN_MS = 30_000;
const POLL_MS = 20;
const KEPT_STDERR_CHARS = 8_000;
/** An engine that lived this long starts its successor without waiting. */
const PROVEN_MS = 60_000;

/**
 * The real ClickHouse as a supervised child process. Whoever talks to it sees a short refusal of connections
 * while a dead one is replaced; ports and data stay the same. `start` rejects with START when the first one
 * can't begin; later ones are tried for ever.
 */
export class EmbeddedClickHouse {
  readonly #settings: EngineSettings;
  readonly #context: EmbeddedContext;
  #engine: Engine | undefined;
  #child: Child | undefined;
  #supervision: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(settings: EngineSettings, context: EmbeddedContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Of the child process that serves now. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  async start(): Promise<void> {
    const { health, platform } = this.#context;
    health.report('starting');
    this.#engine = findEngine(platform);
    try {
      mkdirSync(this.#settings.directory, { recursive: true });
    } catch (error) {
      throw new SpanweirError(
        'START',
        `${this.#context.options.directory}: ${this.#settings.directory} can't be made: ${toError(error).message}`,
        { cause: error },
      );
    }
    await this.#begin(this.#engine);
    health.report('ok');
    this.#supervision = this.#supervise(this.#engine);
  }

  /** Orderly until the deadline, then by force. */
  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child !== undefined && !child.ended) {
      this.#context.health.report('stopping');
      child.process.stdin?.destroy();
      const kill = (): void => child.kill();
      if (deadline.signal.aborted) kill();
      deadline.signal.addEventListener('abort', kill, { once: true });
      await child.exit;
      deadline.signal.removeEventListener('abort', kill);
    }
    await this.#supervision;
    this.#context.health.report('stopped');
  }

  /** Starts one engine and waits until it serves. Rejects with START and leaves nothing behind. */
  async #begin(engine: Engine): Promise<void> {
    const { clock, random } = this.#context;
    const nonce = `spanweir_${Math.floor(random() * 2 ** 48).toString(36)}`;
    const config = join(this.#settings.directory, 'embedded.xml');
    writeFileSync(config, engineConfig(engine, this.#settings, nonce));
    const child = new Child({
      engine,
      arguments: engineArguments(engine, this.#settings, { config, nonce }),
      host: this.#settings.host,
      httpPort: this.#settings.httpPort,
      nonce,
    });
    this.#child = child;
    const giveUp = clock.monotonicMs() + READY_WITHIN_MS;
    while (!(await this.#serves(readinessQuery(engine, nonce)))) {
      if (child.ended) throw this.#startError(child.stderr);
      if (clock.monotonicMs() > giveUp) {
        child.kill();
        throw new SpanweirError('START', `ClickHouse did not begin to serve: ${child.stderr.trim()}`);
      }
      await clock.sleep(POLL_MS);
    }
  }

  async #serves(question: string): Promise<boolean> {
    const { host, httpPort } = this.#settings;
    const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    try {
      const reply = await fetch(`http://${name}:${httpPort}/`, {
        method: 'POST',
        body: question,
        // A connection that stays open would hold up the engine's end.
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(1_000),
      });
      return (await reply.text()).trim() === '1';
    } catch {
      return false;
    }
  }

  async #supervise(engine: Engine): Promise<void> {
    const { clock, health, log, random, restarts } = this.#context;
    let failures = 0;
    for (;;) {
      const begun = clock.monotonicMs();
      const how = await this.#child?.exit;
      if (this.#stopping.signal.aborted) return;
      if (clock.monotonicMs() - begun > PROVEN_MS) failures = 0;
      restarts.add(1);
      const reason = `ClickHouse ended (${how}); it is being started again`;
      log.error({ stderr: this.#child?.stderr.trim() }, reason);
      health.report('recoverable', reason);
      if (failures > 0) {
        const waitMs = backoffMs(failures, { initialMs: 100, maxMs: 10_000, clock, random });
        await clock.sleep(waitMs, this.#stopping.signal);
        if (this.#stopping.signal.aborted) return;
      }
      failures++;
      try {
        await this.#begin(engine);
        health.report('ok');
        log.info({ pid: this.pid }, 'ClickHouse serves again');
      } catch (error) {
        health.report('recoverable', toError(error).message);
      }
    }
  }

  #startError(stderr: string): SpanweirError {
    const { directory, endpoint, nativeEndpoint } = this.#context.options;
    if (stderr.includes(NO_BINARY)) return noEngine(this.#context.platform);
    const { host, httpPort, nativePort } = this.#settings;
    if (/already running|Cannot lock file/.test(stderr)) {
      return new SpanweirError(
        'START',
        `${directory}: another ClickHouse is already running in ${this.#settings.directory}`,
      );
    }
    if (/Address already in use/.test(stderr)) {
      const native = stderr.includes(`:${nativePort}`);
      const [port, option] = native
        ? ([nativePort, nativeEndpoint] as const)
        : ([httpPort, endpoint] as const);
      return listenError({ host, port }, [option], 'EADDRINUSE');
    }
    return new SpanweirError('START', `ClickHouse did not start: ${stderr.trim() || 'it said nothing'}`);
  }
}

/** One engine process. It leads its own group, so that a Ctrl-C on the terminal reaches only its parent. */
class Child {
  readonly process: ChildProcess;
  /** Resolves with how it ended: "exit code 1", "SIGKILL". */
  readonly exit: Promise<string>;
  ended = false;
  stderr = '';

  constructor(order: HostOrder) {
    const source = import.meta.url.endsWith('.ts');
    const entry = fileURLToPath(new URL(`./embedded-host.${source ? 'ts' : 'js'}`, import.meta.url));
    const loader = source ? ['--import', typescriptLoader()] : [];
    this.process = spawn(process.execPath, [...loader, entry, JSON.stringify(order)], {
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    });
    this.process.stdin?.on('error', () => undefined);
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-KEPT_STDERR_CHARS);
    });
    this.exit = new Promise((resolve) => {
      const settle = (how: string): void => {
        this.ended = true;
        resolve(how);
      };
      this.process.once('error', (error) => {
        this.stderr += error.message;
        settle(error.message);
      });
      // 'close' rather than 'exit': by then stderr is complete.
      this.process.once('close', (code, signal) => settle(signal ?? `exit code ${code}`));
    });
  }

  kill(): void {
    const { pid } = this.process;
    if (this.ended || pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}

/** The tests run from source, where the child needs what the parent has: a loader for TypeScript. */
function typescriptLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
