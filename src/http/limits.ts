import type { HttpListenerLimits } from '../flow/host.ts';

/** What one HTTP listener puts up with. Bodies are bounded by their handlers (body.ts). */
export interface HttpLimits {
  /** Time for a request's headers to arrive. */
  readonly headersTimeoutMs: number;
  /** Time for a whole request to arrive: what ends a client that sends a byte a second. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
  /** Of all headers of a request, the request line included; beyond it 431. */
  readonly maxHeaderBytes: number;
  /** Of path and query; beyond it 414. */
  readonly maxTargetBytes: number;
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
  maxTargetBytes: 8 * 1024,
  maxConnections: 4096,
  checkIntervalMs: 2000,
};

/** Where components share a listener, whoever needs more gets it. */
export function largestLimits(a: Partial<HttpLimits>, b: HttpListenerLimits): Partial<HttpLimits> {
  const merged: Record<string, number | undefined> = { ...a };
  for (const [name, value] of Object.entries(b) as [string, number | undefined][]) {
    if (value !== undefined) merged[name] = Math.max(value, merged[name] ?? value);
  }
  return merged;
}
