import type { Counter } from '../../../base/instruments.ts';
import type { ReadyReply } from '../../../flow/host.ts';
import {
  compatibleStrategy,
  DEFAULT_REPLY_LIMITS,
  type ReplyLimits,
} from '../../../sampling/strategies/compatible-strategy.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';
import { strategyJson } from '../../../sampling/strategies/strategy-json.ts';
import { strategyProto } from '../../../sampling/strategies/strategy-proto.ts';
import type { ReplyForm } from '../config.ts';

export interface ReplyOptions {
  readonly form: ReplyForm;
  /** The probability that stands for a rate limit in the compatible form. */
  readonly limitFallback: number;
  readonly limits?: ReplyLimits;
  /** Counts operations that found no room. */
  readonly leftOut?: Counter;
}

/**
 * A reply as the fast lane sends it, and its headers once more as `writeHead` takes them. The body is a text with a character for
 * each byte ('latin1'): it goes out in one write with the head, and bytes in a second one, which costs a seventh more.
 */
export interface EncodedJson extends ReadyReply {
  readonly headerList: string[];
}

interface Encoded {
  isCounted?: true;
  json?: EncodedJson;
  numericJson?: EncodedJson;
  proto?: Buffer;
}

/** Strategies as bytes, in the configured form. Each is encoded once, however many poll. */
export class Replies {
  readonly #options: ReplyOptions;
  /** Strategies never change, so their bytes live exactly as long as they do. */
  readonly #encoded = new WeakMap<Strategy, Encoded>();
  readonly #nothing = Buffer.alloc(0);

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  /** The answer to a request of `path`. @throws SpanweirError BAD_DATA for what can't be encoded. */
  json(strategy: Strategy | null, path: string): EncodedJson {
    if (strategy === null) return withHeaders(strategyJson(null));
    const encoded = this.#encodedOf(strategy);
    if (this.#options.form === 'jaeger_v1' && path === '/') {
      encoded.numericJson ??= withHeaders(strategyJson(strategy, 'number'));
      return encoded.numericJson;
    }
    encoded.json ??= withHeaders(strategyJson(this.#shaped(strategy, encoded)));
    return encoded.json;
  }

  /** No strategy is the empty message, as with Jaeger. @throws SpanweirError BAD_DATA. */
  proto(strategy: Strategy | null): Buffer {
    if (strategy === null) return this.#nothing;
    const encoded = this.#encodedOf(strategy);
    encoded.proto ??= strategyProto(this.#shaped(strategy, encoded));
    return encoded.proto;
  }

  /**
   * Encodes what is new in a snapshot, a few at each step, so that polls find it ready and are answered in
   * between; those of services that nobody polls for are left to their first poll.
   */
  *prepare(snapshot: StrategySnapshot, isPolled: (service: string) => boolean): Generator<void> {
    for (const [service, strategy] of snapshot.services) {
      if (this.#encoded.get(strategy)?.json !== undefined || !isPolled(service)) continue;
      try {
        this.json(strategy, '/sampling');
      } catch {
        // Whoever polls for it is told.
      }
      yield;
    }
  }

  #shaped(strategy: Strategy, encoded: Encoded): Strategy {
    const { form, limitFallback, limits = DEFAULT_REPLY_LIMITS, leftOut } = this.#options;
    if (form !== 'compatible') return strategy;
    // Not kept: that would double what all operations of all services take.
    const shaped = compatibleStrategy(strategy, limitFallback, limits);
    const lost = operationsOf(strategy) - operationsOf(shaped);
    if (lost > 0 && encoded.isCounted === undefined) leftOut?.add(lost);
    encoded.isCounted = true;
    return shaped;
  }

  #encodedOf(strategy: Strategy): Encoded {
    const known = this.#encoded.get(strategy);
    if (known !== undefined) return known;
    const encoded: Encoded = {};
    this.#encoded.set(strategy, encoded);
    return encoded;
  }
}

function withHeaders(json: string): EncodedJson {
  const body = Buffer.from(json).toString('latin1');
  const length = String(body.length);
  return {
    body,
    headers: `Content-Type: application/json\r\nContent-Length: ${length}\r\n`,
    headerList: ['Content-Type', 'application/json', 'Content-Length', length],
  };
}

function operationsOf({ operationSampling }: Strategy): number {
  return operationSampling?.perOperationStrategies.length ?? 0;
}
