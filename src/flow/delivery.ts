/**
 * A value with the way back to where it came from. Exactly one of `ack` and `nack` is called, once.
 * A source gets no more work done for it than it has room for unacknowledged: that is all the backpressure.
 */
export interface Delivery<T> {
  readonly value: T;
  /** Aborts when nobody waits for the outcome any more. */
  readonly signal: AbortSignal;
  ack(): void;
  nack(error: Error): void;
}

/** The same delivery with another value: what is acknowledged in the end is still the source's. */
export function withValue<T, U>(delivery: Delivery<T>, value: U): Delivery<U> {
  return {
    value,
    signal: delivery.signal,
    ack: () => delivery.ack(),
    nack: (error) => delivery.nack(error),
  };
}
