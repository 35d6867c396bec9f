/** Those who wait for something to change; woken all together, each looks again for itself. */
export class Waiters {
  #waiting: (() => void)[] = [];

  /** Resolves at the next `wake`, or when one of the signals aborts. */
  wait(...signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        for (const signal of signals) signal.removeEventListener('abort', done);
        resolve();
      };
      if (signals.some((signal) => signal.aborted)) return resolve();
      for (const signal of signals) signal.addEventListener('abort', done, { once: true });
      this.#waiting.push(done);
    });
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
