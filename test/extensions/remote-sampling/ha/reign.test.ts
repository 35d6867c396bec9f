import type { Message } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { SpanweirError } from '../../../../src/base/errors.ts';
import { type Deciding, type Publish, Reign } from '../../../../src/extensions/remote-sampling/ha/reign.ts';
import { SnapshotLog } from '../../../../src/extensions/remote-sampling/ha/snapshot-log.ts';
import { changes, headRecord } from '../../../../src/extensions/remote-sampling/ha/snapshot-records.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import { perOperation, snapshotOf } from './strategies.ts';

const AWAY = new SpanweirError('UNAVAILABLE', 'ClickHouse is away', { retry: 'backoff' });

/** A topic in memory, with one writer, and a reign over it. */
class Trial {
  readonly log = new SnapshotLog();
  readonly told: string[] = [];
  readonly restored: (number | undefined)[] = [];
  readonly over = new AbortController();
  mayDecide = true;
  servedVersion = 0;
  /** What the next write does instead of writing. */
  writeError: Error | undefined;
  restoreErrors: Error[] = [];
  isRead = true;
  /** Called by each round; what it returns is published. */
  round: (number: number) => StrategySnapshot = () => snapshotOf({});
  rounds = 0;

  /** As somebody else would write it. */
  write(next: StrategySnapshot, v: number): void {
    const records = changes(this.log.bodies, next, v);
    records.push(headRecord({ v, format: 1, by: 'another', madeAtMs: 0, services: next.services.size }));
    for (const record of records) this.take(record.key, record.value);
  }

  take(key: string, value: string | null): void {
    this.log.take(Buffer.from(key), value === null ? null : Buffer.from(value));
  }

  async run(): Promise<void> {
    const { log } = this;
    const reign = new Reign({
      follower: { log, catchUp: async () => void this.told.push('caught up'), reach: async () => {} },
      openWriter: async () => {
        this.told.push('opened');
        return {
          write: (parts, mayCommit) => this.#commit(parts.flat(), mayCommit),
          close: async () => void this.told.push('closed'),
        };
      },
      createDeciding: (publish) => this.#deciding(publish),
      mayDecide: () => this.mayDecide,
      servedVersion: () => this.servedVersion,
      roundEveryMs: 1,
      self: 'me',
      context: {
        clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(1, signal) },
        random: () => 0.5,
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      },
      news: {
        began: () => void this.told.push('began'),
        wrote: (outcome) => void this.told.push(outcome),
        storeAway: (error) => void (error !== undefined && this.told.push(error.message)),
      },
    });
    await reign.run(this.over.signal);
  }

  async #commit(messages: readonly Message[], mayCommit: () => boolean): Promise<void> {
    if (this.writeError !== undefined) throw this.writeError;
    if (!mayCommit()) throw new SpanweirError('FENCED', 'no longer the one to write');
    if (!this.isRead) return;
    for (const { key, value } of messages) this.take(String(key), value?.toString() ?? null);
  }

  #deciding(publish: Publish): Deciding {
    return {
      restore: async (served) => {
        this.restored.push(served?.version);
        const error = this.restoreErrors.shift();
        if (error !== undefined) throw error;
        if (served === undefined) await publish(snapshotOf({ shop: perOperation({ begin: 1 }) }));
      },
      round: async () => {
        this.rounds += 1;
        await publish(this.round(this.rounds));
      },
    };
  }
}

const A = snapshotOf({ shop: perOperation({ 'GET /': 0.5 }) });
const B = snapshotOf({ shop: perOperation({ 'GET /': 0.25 }) });

describe('a reign', () => {
  test('begins by being the only writer, reading all there is, and restoring from that', async () => {
    const trial = new Trial();
    trial.write(A, 41);
    trial.round = () => {
      trial.over.abort();
      return A;
    };
    await trial.run();
    expect(trial.told).toEqual(['opened', 'caught up', 'began', 'closed']);
    expect(trial.restored).toEqual([41]);
  });

  test('goes on serving what the topic says until a round decides otherwise, under the next version', async () => {
    const trial = new Trial();
    trial.write(A, 41);
    trial.round = (number) => {
      if (number === 3) trial.over.abort();
      if (number < 3) expect(trial.log.version).toBe(41);
      return number === 3 ? B : A;
    };
    await trial.run();
    expect(trial.told).toEqual(['opened', 'caught up', 'began', 'committed', 'closed']);
    expect(trial.log.snapshot?.version).toBe(42);
    expect(trial.log.snapshot?.services).toEqual(B.services);
  });

  test('begins an empty topic with version 1, or above whatever was served or decided before', async () => {
    for (const [served, decided, expected] of [
      [0, 0, 1],
      [7, 0, 8],
      [7, 12, 12],
    ] as const) {
      const trial = new Trial();
      trial.servedVersion = served;
      trial.round = () => {
        trial.over.abort();
        return { ...A, version: decided };
      };
      // The first version is that of `restore`, the second one that of the round.
      await trial.run();
      expect(trial.log.version).toBe(Math.max(expected, served + 2));
    }
  });

  test('ends when somebody else has written, before it decides anything', async () => {
    const trial = new Trial();
    trial.write(A, 1);
    trial.round = () => {
      queueMicrotask(() => trial.write(B, 2));
      return A;
    };
    await expect(trial.run()).rejects.toMatchObject({
      code: 'FENCED',
      message: 'version 2 was written by somebody else',
    });
    expect(trial.rounds).toBe(1);
    expect(trial.log.snapshot?.services).toEqual(B.services);
  });

  test('ends, and writes nothing, when a heartbeat is late while it decides', async () => {
    const trial = new Trial();
    trial.write(A, 1);
    trial.round = () => {
      trial.mayDecide = false;
      return B;
    };
    await expect(trial.run()).rejects.toMatchObject({ code: 'FENCED' });
    expect(trial.log.version).toBe(1);
    expect(trial.told.at(-1)).toBe('closed');
  });

  test('pauses between two generations of the group, and goes on', async () => {
    const trial = new Trial();
    trial.write(A, 1);
    trial.mayDecide = false;
    const running = trial.run();
    await systemClock.sleep(20);
    expect(trial.rounds).toBe(0);
    trial.round = () => {
      trial.over.abort();
      return A;
    };
    trial.mayDecide = true;
    await running;
    expect(trial.rounds).toBe(1);
  });

  test('ends when it is not known whether a write came through', async () => {
    const trial = new Trial();
    trial.write(A, 1);
    trial.round = () => B;
    trial.writeError = new SpanweirError('UNAVAILABLE', 'no answer', { retry: 'backoff' });
    await expect(trial.run()).rejects.toThrow('no answer');
    expect(trial.told).toEqual(['opened', 'caught up', 'began', 'failed', 'closed']);
  });

  test('ends when what was written can not be read', async () => {
    const trial = new Trial();
    trial.write(A, 1);
    trial.round = () => B;
    trial.isRead = false;
    await expect(trial.run()).rejects.toThrow("version 2 was written and can't be read");
  });

  test('waits for a store that is away, while what the topic says goes on being served', async () => {
    const trial = new Trial();
    trial.write(A, 1);
    trial.restoreErrors = [AWAY, AWAY];
    trial.round = () => {
      trial.over.abort();
      return A;
    };
    await trial.run();
    expect(trial.restored).toEqual([1, 1, 1]);
    expect(trial.told).toEqual(['opened', 'caught up', AWAY.message, AWAY.message, 'began', 'closed']);
  });

  test('takes a write that failed within a restore for what it is, and not for a store that is away', async () => {
    const trial = new Trial();
    trial.writeError = new SpanweirError('UNAVAILABLE', 'no answer', { retry: 'backoff' });
    await expect(trial.run()).rejects.toThrow('no answer');
    expect(trial.restored).toEqual([undefined]);
  });

  test('does not begin where a newer release writes', async () => {
    const trial = new Trial();
    trial.take('head', '{"v":9,"format":2,"by":"newer","madeAtMs":0,"services":0}');
    await expect(trial.run()).rejects.toMatchObject({ code: 'REFUSED' });
    expect(trial.told).toEqual(['opened', 'caught up', 'closed']);
  });
});
