/** What one HTTP listener puts up with. Bodies are bounded by their handlers (body.ts). */
export interface HttpLimits {
  /** Time for a request's headers to arrive. */
  readonly headersTimeoutMs: number;
  /** Time for a whole request to arrive: what ends a client that sends a byte a second. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** Connections beyond it are closed at once. */
  readonly maxConnections: number;
  /** How often the timeouts are looked at. */
  readonly checkIntervalMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 75_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 4096,
  checkIntervalMs: 2000,
};
