export type PollTransport = 'http' | 'grpc';

/** What is known of a kind of client before it has polled often enough to be known itself. */
export interface PollingClient {
  /** As people call it. */
  readonly name: string;
  /** Whether it samples at least `defaultLowerBoundTracesPerSecond`, whatever the probability. */
  readonly honoursLowerBound: boolean;
  /** How often it polls unless somebody set it otherwise. */
  readonly usualIntervalMs: number;
}

const MINUTE_MS = 60_000;

const client = (name: string, honoursLowerBound: boolean, usualIntervalMs = MINUTE_MS): PollingClient => ({
  name,
  honoursLowerBound,
  usualIntervalMs,
});

const GO = client('Go', true);
const JAVA = client('Java', false);
const JAVASCRIPT = client('JavaScript', false);
const RUST = client('Rust', false, 5 * MINUTE_MS);
const LEGACY_JAVASCRIPT = client('jaeger-client for Node.js', true);
const LEGACY_PYTHON = client('jaeger-client for Python', true);
/** Nobody knows which SDKs stand behind it, so it is taken for the slowest of them, with a lower bound. */
const RELAY = client('a collector in front', true, 5 * MINUTE_MS);
const UNKNOWN = client('unknown', false, 5 * MINUTE_MS);

const BY_PREFIX: readonly (readonly [prefix: string, client: PollingClient])[] = [
  // jaeger-client-go sends the same one, and honours the bound too.
  ['go-http-client/', GO],
  ['okhttp/', JAVA],
  ['grpc-java', JAVA],
  ['node', JAVASCRIPT],
  ['undici', JAVASCRIPT],
  ['tornado/', LEGACY_PYTHON],
  ['python', LEGACY_PYTHON],
  ['grpc-go/', RELAY],
  ['grpc-node-js/', RELAY],
];

/**
 * Who polls, by what it says of itself. Two kinds send no User-Agent over HTTP: Rust, which sets a content type on
 * its GET, and the old client for Node.js, which does not.
 */
export function pollingClient(
  userAgent: string,
  transport: PollTransport,
  sendsContentType: boolean,
): PollingClient {
  if (userAgent === '') {
    if (transport === 'grpc') return UNKNOWN;
    return sendsContentType ? RUST : LEGACY_JAVASCRIPT;
  }
  const lower = userAgent.toLowerCase();
  // A library in front of gRPC says so first: "spanweir/1.0 grpc-node-js/1.14".
  if (transport === 'grpc' && /\bgrpc-(go|node-js)\//.test(lower)) return RELAY;
  return BY_PREFIX.find(([prefix]) => lower.startsWith(prefix))?.[1] ?? UNKNOWN;
}
