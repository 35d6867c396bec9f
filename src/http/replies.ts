import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { PostReply } from '../flow/host.ts';

/** Where a handler threw. */
export const INTERNAL_ERROR: PostReply = {
  status: 500,
  headers: [['content-type', 'text/plain; charset=utf-8']],
  body: Buffer.from('internal error\n'),
};

export type Headers = OutgoingHttpHeaders;

/** Sends a whole reply, unless one has begun or the client has gone. HEAD gets the headers only. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Headers,
  body: string | Uint8Array = '',
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function replyText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Headers = {},
): void {
  reply(response, status, { 'content-type': 'text/plain; charset=utf-8', ...headers }, text);
}

export function replyJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Headers = {},
): void {
  reply(response, status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}

export function replyNotFound(response: ServerResponse): void {
  replyText(response, 404, '404 page not found\n');
}

/** True when the method is one of `allowed`; otherwise 405 has been sent. HEAD goes where GET goes. */
export function allowMethods(
  request: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[],
): boolean {
  const method = request.method ?? '';
  if (allowed.includes(method) || (method === 'HEAD' && allowed.includes('GET'))) return true;
  replyText(response, 405, `405 method not allowed, supported: [${allowed.join(' ')}]\n`, {
    allow: allowed.join(', '),
  });
  return false;
}

/** The value of `Retry-After`: whole seconds, at least one. */
export function retryAfterSeconds(retryAfterMs: number | undefined): string {
  return String(Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000)));
}
