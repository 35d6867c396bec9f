import type { AssignedTopic } from './kafkajs-internals.ts';

/** A partition's part of an answer. */
export interface AnsweredPart {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: { readonly sentBytes: number };
}

/**
 * Whose turn it is in the next fetch from a broker. A broker fills its answer in the order in which it was asked, up
 * to the size of a fetch, and kafkajs asks in a random one: with more to read than a fetch may bring, one of 64 partitions
 * waits four times as long as all need in turn, now and then.
 */
export class FetchTurns {
  readonly #last = new Map<number, { readonly topic: string; readonly partition: number }>();

  /** The same partitions; the one that follows the last which had something comes first. */
  inTurn(nodeId: number, topics: readonly AssignedTopic[]): AssignedTopic[] {
    const last = this.#last.get(nodeId);
    const at = topics.findIndex(({ topic }) => topic === last?.topic);
    const topic = topics[at];
    if (last === undefined || topic === undefined) return [...topics];
    const behind = topic.partitions.indexOf(last.partition) + 1;
    // A topic has one place in a request: what comes before the turn is asked for last of it, not last of all.
    const others = [...topics.slice(at + 1), ...topics.slice(0, at)];
    if (behind === topic.partitions.length) return [...others, topic];
    const partitions = [...topic.partitions.slice(behind), ...topic.partitions.slice(0, behind)];
    return [{ topic: topic.topic, partitions }, ...others];
  }

  answered(nodeId: number, parts: readonly AnsweredPart[]): void {
    const last = parts.findLast(({ bytes }) => bytes.sentBytes > 0);
    if (last !== undefined) this.#last.set(nodeId, { topic: last.topic, partition: last.partition });
  }

  /** Before an assignment that begins: brokers may have gone. */
  forget(): void {
    this.#last.clear();
  }
}

/** kafkajs' shuffle, for all but the partitions of a fetch. */
export function keepTurns(shuffle: <T>(list: T[]) => T[]): <T>(list: T[]) => T[] {
  return (list) => (list.every(isToFetch) ? list : shuffle(list));
}

function isToFetch(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'topic' in entry && 'partition' in entry;
}
