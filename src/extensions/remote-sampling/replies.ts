import { compatibleStrategy } from '../../sampling/compatible-strategy.ts';
import type { Strategy } from '../../sampling/strategy.ts';
import { strategyJson } from '../../sampling/strategy-json.ts';
import { strategyProto } from '../../sampling/strategy-proto.ts';
import type { ReplyForm } from './config.ts';

interface Encoded {
  json?: Buffer;
  numericJson?: Buffer;
  proto?: Buffer;
}

/** Strategies as bytes, in the configured form. Each is encoded once, at its first poll. */
export class Replies {
  readonly form: ReplyForm;
  readonly #limitFallback: number;
  /** Strategies never change, so their bytes live exactly as long as they do. */
  readonly #encoded = new WeakMap<Strategy, Encoded>();
  readonly #nothing = Buffer.alloc(0);

  /** @param limitFallback the probability that stands for a rate limit in the compatible form */
  constructor(form: ReplyForm, limitFallback: number) {
    this.form = form;
    this.#limitFallback = limitFallback;
  }

  /** The body for a request of `path`. @throws SpanweirError BAD_DATA for what can't be encoded. */
  json(strategy: Strategy | null, path: string): Buffer {
    if (strategy === null) return Buffer.from(strategyJson(null));
    const encoded = this.#encodedOf(strategy);
    if (this.form === 'jaeger_v1' && path === '/') {
      encoded.numericJson ??= Buffer.from(strategyJson(strategy, 'number'));
      return encoded.numericJson;
    }
    encoded.json ??= Buffer.from(strategyJson(this.#shaped(strategy)));
    return encoded.json;
  }

  /** No strategy is the empty message, as with Jaeger. @throws SpanweirError BAD_DATA. */
  proto(strategy: Strategy | null): Buffer {
    if (strategy === null) return this.#nothing;
    const encoded = this.#encodedOf(strategy);
    encoded.proto ??= strategyProto(this.#shaped(strategy));
    return encoded.proto;
  }

  #shaped(strategy: Strategy): Strategy {
    return this.form === 'compatible' ? compatibleStrategy(strategy, this.#limitFallback) : strategy;
  }

  #encodedOf(strategy: Strategy): Encoded {
    const known = this.#encoded.get(strategy);
    if (known !== undefined) return known;
    const encoded: Encoded = {};
    this.#encoded.set(strategy, encoded);
    return encoded;
  }
}
