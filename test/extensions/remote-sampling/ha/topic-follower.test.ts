import { getEventListeners } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import {
  changes,
  headRecord,
  type TopicRecord,
} from '../../../../src/extensions/remote-sampling/ha/snapshot-records.ts';
import {
  type PartitionReader,
  TopicFollower,
} from '../../../../src/extensions/remote-sampling/ha/topic-follower.ts';
import type { FetchedBatch } from '../../../../src/kafka/fetched-batch.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import { waitFor } from '../../../support/wait.ts';
import { perOperation, snapshotOf } from './strategies.ts';

/** A topic in memory: an offset for every record, and whoever fetches gets three of them. */
class FakeTopic {
  low = 0;
  records: TopicRecord[] = [];
  failure: Error | undefined;
  fetches = 0;
  readonly versions: number[] = [];
  readonly troubles: string[] = [];
  readonly follower: TopicFollower;
  readonly #bodies = new Map<string, string>();

  constructor() {
    this.follower = new TopicFollower({
      topic: 't',
      open: async () => this.#reader(),
      context: {
        clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(1, signal) },
        random: () => 0.5,
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      },
      onVersion: ({ version }) => void this.versions.push(version),
      onTrouble: (action, message) => void this.troubles.push(`${action}: ${message}`),
    });
  }

  /** One version: its services, the fallback if it is the first, and the head. */
  write(next: StrategySnapshot, v: number): void {
    for (const record of changes(this.#bodies, next, v)) {
      this.records.push(record);
      if (record.value === null) this.#bodies.delete(record.key);
      else this.#bodies.set(record.key, record.value.slice(record.value.indexOf(',') + 1));
    }
    this.records.push(headRecord({ v, format: 1, by: 'test', madeAtMs: 0, services: next.services.size }));
  }

  /** With nothing in it, and at other offsets. */
  makeAnew(): void {
    this.low += this.records.length + 100;
    this.records = [];
    this.#bodies.clear();
  }

  start(): void {
    const stopping = new AbortController();
    const running = this.follower.run(stopping.signal);
    onTestFinished(async () => {
      stopping.abort();
      await running;
    });
  }

  #reader(): PartitionReader {
    return {
      ends: async () => {
        if (this.failure !== undefined) throw this.failure;
        return [{ partition: 0, low: this.low, high: this.low + this.records.length }];
      },
      fetch: async (_topic, _partition, offset) => await this.#fetch(offset),
      close: async () => {},
    };
  }

  async #fetch(offset: number): Promise<FetchedBatch> {
    this.fetches += 1;
    await systemClock.sleep(1);
    if (this.failure !== undefined) throw this.failure;
    if (offset < this.low || offset > this.low + this.records.length) {
      throw Object.assign(new Error('out of range'), { type: 'OFFSET_OUT_OF_RANGE' });
    }
    const records = this.records.slice(offset - this.low, offset - this.low + 3).map(({ key, value }) => ({
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    }));
    return { records, nextOffset: offset + records.length, trouble: undefined } as unknown as FetchedBatch;
  }
}

function shop(rate: number): StrategySnapshot {
  return snapshotOf({ shop: perOperation({ 'GET /': rate }) });
}

describe('a follower', () => {
  test('begins with the last version that the topic has, and then tells every one', async () => {
    const topic = new FakeTopic();
    for (let v = 1; v <= 5; v++) topic.write(shop(v / 10), v);
    topic.start();
    await waitFor('the last one is told', () => topic.versions.length > 0);
    expect(topic.versions).toEqual([5]);
    topic.write(shop(0.9), 6);
    await waitFor('the next one is told', () => topic.versions.length > 1);
    expect(topic.versions).toEqual([5, 6]);
    expect(topic.follower.log.snapshot?.services).toEqual(shop(0.9).services);
  });

  test('passes over what compaction has left of older versions without a word', async () => {
    const topic = new FakeTopic();
    topic.write(shop(0.1), 1);
    // The service's record of version 2 is gone, since version 3 has another; the head is still there.
    topic.write(snapshotOf({ shop: perOperation({ 'GET /': 0.1 }), mail: perOperation({}) }), 2);
    topic.records = topic.records.filter(({ key }) => key !== 'service/mail');
    topic.write(shop(0.3), 3);
    topic.start();
    await waitFor('the last one is told', () => topic.versions.length > 0);
    expect(topic.versions).toEqual([3]);
    expect(topic.troubles).toEqual([]);
  });

  test('tells what can not be understood, serves on, and is well again with the next version', async () => {
    const topic = new FakeTopic();
    topic.write(shop(0.1), 1);
    topic.start();
    await waitFor('the first one', () => topic.versions.length === 1);
    topic.records.push({ key: 'head', value: '{"v":2,"format":1,"by":"test","madeAtMs":0,"services":5}' });
    await waitFor('it is told', () => topic.troubles.length > 0);
    expect(topic.troubles).toEqual(['malformed: version 2 has 5 services, and the topic 1']);
    expect(topic.follower.trouble).toBe('version 2 has 5 services, and the topic 1');
    topic.write(shop(0.3), 3);
    await waitFor('the third one', () => topic.versions.at(-1) === 3);
    expect(topic.follower.trouble).toBeUndefined();
  });

  test('reads anew from the beginning when its place is gone, and tells no version twice in between', async () => {
    const topic = new FakeTopic();
    topic.write(shop(0.1), 1);
    topic.write(shop(0.2), 2);
    topic.start();
    await waitFor('the second one', () => topic.versions.at(-1) === 2);
    topic.makeAnew();
    topic.write(snapshotOf({ other: perOperation({}) }), 3);
    await waitFor('the third one', () => topic.versions.at(-1) === 3);
    expect([...(topic.follower.log.snapshot?.services.keys() ?? [])]).toEqual(['other']);
    expect(topic.versions).toEqual([2, 3]);
  });

  test('has caught up when all is read that was there when it was asked', async () => {
    const topic = new FakeTopic();
    for (let v = 1; v <= 20; v++) topic.write(shop(v / 100), v);
    topic.start();
    const { signal } = new AbortController();
    await topic.follower.catchUp(signal);
    expect(topic.follower.log.version).toBe(20);
    topic.write(shop(0.5), 21);
    await topic.follower.catchUp(signal);
    expect(topic.follower.log.version).toBe(21);
    const reached = topic.follower.reach(23, signal);
    topic.write(shop(0.6), 22);
    topic.write(shop(0.7), 23);
    await reached;
    expect(topic.follower.log.version).toBe(23);
    await topic.follower.reach(5, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('waits for brokers that are away, and knows for how long they have been silent', async () => {
    const topic = new FakeTopic();
    topic.write(shop(0.1), 1);
    topic.start();
    await waitFor('the first one', () => topic.versions.length === 1);
    topic.failure = new Error('no broker');
    await waitFor('it has tried again and again', () => topic.troubles.length > 3);
    expect(topic.troubles[0]).toBe('read: no broker');
    await waitFor('it has been silent', () => topic.follower.silentMs > 20);
    topic.failure = undefined;
    topic.write(shop(0.2), 2);
    await waitFor('it goes on', () => topic.versions.at(-1) === 2);
    expect(topic.versions).toEqual([1, 2]);
  });

  test('ends a wait that is given up', async () => {
    const topic = new FakeTopic();
    await topic.follower.catchUp(AbortSignal.abort());
    await topic.follower.reach(1, AbortSignal.abort());
    expect(topic.fetches).toBe(0);
  });
});
