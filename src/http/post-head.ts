import type { PlainHeaders } from './plain-request.ts';

/** The head of a POST whose body comes in one piece of a known length. */
export interface PostHead {
  readonly path: string;
  readonly headers: PlainHeaders;
  /** At least 1. */
  readonly contentLength: number;
}

const END_OF_LINE = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
const LINE = /^POST (\/[!"$->@-~]*) HTTP\/1\.1$/;
const HEADER = /^([A-Za-z-]+):[ ]?([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/;
const LENGTH = /^[1-9]\d{0,8}$/;

/** Those that change nothing in where a body ends, in how its connection is kept, or in what OTLP answers to it. */
const HARMLESS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-forwarded-for',
]);

/**
 * Of a head with its empty line, a character for each byte; undefined for anything that is not exactly of that shape, which says
 * nothing about whether it is right. A query, a transfer encoding, an expectation, a header twice or of another name: all of them
 * are for node:http.
 */
export function plainPostHead(head: string): PostHead | undefined {
  if (!head.endsWith(END_OF_HEAD)) return undefined;
  const [first = '', ...lines] = head.slice(0, -END_OF_HEAD.length).split(END_OF_LINE);
  const path = LINE.exec(first)?.[1];
  if (path === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, written = '', value = ''] = HEADER.exec(line) ?? [];
    const name = written.toLowerCase();
    if (!HARMLESS.has(name) || headers.has(name)) return undefined;
    headers.set(name, value);
  }
  const length = headers.get('content-length') ?? '';
  const connection = headers.get('connection')?.toLowerCase() ?? 'keep-alive';
  if (!headers.has('host') || connection !== 'keep-alive' || !LENGTH.test(length)) return undefined;
  return { path, headers, contentLength: Number(length) };
}
