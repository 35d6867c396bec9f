import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Reply, Request } from './protocol.ts';

const END_MS = 5000;

interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** A running client of one SDK. It ends with its standard input, so it never outlives this process. */
export class Client {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<void>;
  #complaints = '';

  constructor(name: string, { command, args }: Program, env: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#child = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    const { stdout, stderr, stdin } = this.#child;
    if (stdout === null) throw new Error(`${name} has no standard output`);
    createInterface({ input: stdout }).on('line', (line) => this.#take(line));
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-4000);
    });
    stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      const end = (why: string): void => {
        for (const { reject } of this.#waiting.splice(0)) reject(this.#error(why));
        resolve();
      };
      this.#child.once('error', (error) => end(`could not be started: ${error.message}`));
      this.#child.once('close', (code, signal) => end(`ended with ${signal ?? code}`));
    });
  }

  /** Rejects with the client's own words when it could not do it. */
  ask(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        reject(this.#error('has ended'));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #take(line: string): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    const reply = JSON.parse(line) as Reply;
    if (reply.error === undefined) waiting.resolve(reply);
    else waiting.reject(this.#error(`answered: ${reply.error}`));
  }

  #error(what: string): Error {
    return new Error(`the ${this.#name} client ${what}\n${this.#complaints}`.trimEnd());
  }
}
