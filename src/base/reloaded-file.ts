import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import { SpanweirError, toError } from './errors.ts';

export interface ReloadedFileOptions {
  readonly path: string;
  /** The configuration's path that names it, for errors. */
  readonly option: string;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Called with the text at the start and whenever it has changed. What it throws counts as not read. */
  readonly take: (text: string) => void;
  /** After the start: what is known stays. Called once until it can be read again. */
  readonly failed: (error: Error) => void;
  readonly recovered: () => void;
}

/**
 * A file that is read again and again. By its content, not by a watch: what Kubernetes mounts are links that are
 * swapped, which watches lose.
 */
export class ReloadedFile {
  readonly #options: ReloadedFileOptions;
  readonly #stopping = new AbortController();
  #text: string | undefined;
  #hasFailed = false;

  constructor(options: ReloadedFileOptions) {
    this.#options = options;
  }

  /** @throws SpanweirError START when it can't be read now. */
  async start(): Promise<void> {
    const { path, option } = this.#options;
    try {
      await this.#read();
    } catch (error) {
      const message = `${option}: can't read ${path}: ${toError(error).message}`;
      throw new SpanweirError('START', message, { cause: error });
    }
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { clock, everyMs, failed, recovered } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      await clock.sleep(everyMs, signal);
      if (signal.aborted) return;
      try {
        await this.#read();
        if (this.#hasFailed) recovered();
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) failed(toError(error));
        this.#hasFailed = true;
      }
    }
  }

  async #read(): Promise<void> {
    const text = await readFile(this.#options.path, 'utf8');
    if (text === this.#text) return;
    this.#options.take(text);
    this.#text = text;
  }
}
