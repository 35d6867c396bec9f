import type { IncomingMessage, ServerResponse } from 'node:http';

/** The collector's `cors:` block. */
export interface CorsRules {
  /** Exact origins or patterns with `*`; none = no CORS. */
  readonly allowedOrigins: readonly string[];
  /** Beyond the safelisted ones; `*` = any. */
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  /** Seconds that a browser may keep the answer to a preflight; 0 = its own default. */
  readonly maxAgeS: number;
}

const ALWAYS_ALLOWED = ['accept', 'content-type', 'content-encoding', 'x-requested-with'];

/** Adds what CORS asks for and answers preflights. True = the request has been answered. */
export function applyCors(
  rules: CorsRules,
  request: IncomingMessage,
  response: ServerResponse,
  methods: readonly string[],
): boolean {
  if (rules.allowedOrigins.length === 0) return false;
  const { origin } = request.headers;
  const asked = request.headers['access-control-request-method'];
  const preflight = request.method === 'OPTIONS' && asked !== undefined;
  response.setHeader(
    'vary',
    preflight ? 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers' : 'Origin',
  );
  if (origin !== undefined && rules.allowedOrigins.some((pattern) => matches(pattern, origin))) {
    response.setHeader('access-control-allow-origin', rules.allowedOrigins.includes('*') ? '*' : origin);
    if (!preflight && rules.exposedHeaders.length > 0) {
      response.setHeader('access-control-expose-headers', rules.exposedHeaders.join(', '));
    }
    if (preflight && methods.includes(asked)) allowPreflight(rules, request, response, asked);
  }
  if (!preflight) return false;
  response.writeHead(204).end();
  return true;
}

function allowPreflight(
  rules: CorsRules,
  request: IncomingMessage,
  response: ServerResponse,
  method: string,
): void {
  response.setHeader('access-control-allow-methods', method);
  const wanted = (request.headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name));
  const allowed = new Set([...ALWAYS_ALLOWED, ...rules.allowedHeaders.map((name) => name.toLowerCase())]);
  const granted = wanted.filter((name) => allowed.has('*') || allowed.has(name));
  if (granted.length > 0) response.setHeader('access-control-allow-headers', granted.join(', '));
  if (rules.maxAgeS > 0) response.setHeader('access-control-max-age', rules.maxAgeS);
}

/** A pattern's stars stand for any characters; everything else is literal, and case does not count. */
function matches(pattern: string, origin: string): boolean {
  const parts = pattern.toLowerCase().split('*');
  const text = origin.toLowerCase();
  const [head = '', ...rest] = parts;
  if (rest.length === 0) return text === head;
  const tail = rest.pop() ?? '';
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - tail.length;
}
