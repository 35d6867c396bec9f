import { ownText } from '../base/own-text.ts';

/** What is asked for with GET /..., nothing that a URL would have to be read for; the spaces beside it are not part of it. */
const TARGET = /^\/[!"$-~]*$/;
const VERSION = ' HTTP/1.1';
const METHOD = 'GET ';
const END_OF_LINE = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
const HEADER = /^([A-Za-z-]+): ?([\x20-\x7e]*)$/;

/** Those that change nothing in how a GET is to be answered or its connection to be kept. */
const HARMLESS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-type',
  'host',
  'user-agent',
  'x-forwarded-for',
]);

const MAX_KEPT = 1024;
const MAX_KEPT_LENGTH = 1024;

/** By name in small letters. */
export type PlainHeaders = ReadonlyMap<string, string>;

/**
 * Path and query of a request of HTTP/1.1 that is whole and has no body; undefined for anything that is not of that shape,
 * which says nothing about whether it is right. The headers, which `PlainHeads` reads, begin behind the line.
 */
export function plainTarget(request: string): string | undefined {
  const end = request.indexOf(END_OF_LINE);
  if (!request.startsWith(METHOD) || !request.endsWith(VERSION, end)) return undefined;
  const target = request.slice(METHOD.length, end - VERSION.length);
  return TARGET.test(target) ? target : undefined;
}

/** Headers as clients send them again and again, read once. */
export class PlainHeads {
  #known = new Map<string, PlainHeaders>();

  /** Of a whole request; undefined unless each header is known to be harmless, there is a host, and nothing follows. */
  of(request: string): PlainHeaders | undefined {
    const lines = request.slice(request.indexOf(END_OF_LINE) + END_OF_LINE.length);
    const known = this.#known.get(lines);
    if (known !== undefined) return known;
    if (lines.length > MAX_KEPT_LENGTH) return readHeaders(lines);
    const own = ownText(lines);
    const headers = readHeaders(own);
    if (headers === undefined) return undefined;
    // Who makes up headers only has them read again.
    if (this.#known.size >= MAX_KEPT) this.#known = new Map();
    this.#known.set(own, headers);
    return headers;
  }
}

function readHeaders(lines: string): PlainHeaders | undefined {
  if (!lines.endsWith(END_OF_HEAD)) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines.slice(0, -END_OF_HEAD.length).split(END_OF_LINE)) {
    const [, written = '', value = ''] = HEADER.exec(line) ?? [];
    const name = written.toLowerCase();
    if (!HARMLESS.has(name) || headers.has(name)) return undefined;
    headers.set(name, value.trim());
  }
  const connection = headers.get('connection')?.toLowerCase() ?? 'keep-alive';
  return headers.has('host') && connection === 'keep-alive' ? headers : undefined;
}
