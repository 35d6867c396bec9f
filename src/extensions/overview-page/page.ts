import { readFileSync } from 'node:fs';
import type { HttpHandler, HttpRoutes } from '../../flow/host.ts';
import { allowMethods, type Headers, reply, replyJson } from '../../http/replies.ts';
import type { OverviewQuery } from './overview.ts';

const SECURITY: Headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** The files stand in src/ and are read from there, run from dist/ or not: both lie equally deep. */
const ASSETS = new URL('../../../src/extensions/overview-page/assets/', import.meta.url);

const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/assets/overview.css', 'overview.css', 'text/css; charset=utf-8'],
  ['/assets/overview.js', 'overview.js', 'text/javascript; charset=utf-8'],
  ['/assets/cells.js', 'cells.js', 'text/javascript; charset=utf-8'],
  ['/favicon.ico', 'icon.svg', 'image/svg+xml'],
] as const;

export const DEFAULT_LIMIT = 200;
const MAX_LIMIT = 1000;
const MAX_FILTER_LENGTH = 200;

/** @throws where a file is missing: the package is incomplete */
export function servePage(routes: HttpRoutes, overview: (query: OverviewQuery) => unknown): void {
  for (const [path, file, type] of FILES) {
    const body = readFileSync(new URL(file, ASSETS));
    const headers = { ...SECURITY, 'content-type': type, 'cache-control': 'no-cache' };
    routes.route(path, (request, response) => {
      if (allowMethods(request, response, ['GET'])) reply(response, 200, headers, body);
    });
  }
  const api: HttpHandler = (request, response, url) => {
    if (!allowMethods(request, response, ['GET'])) return;
    const headers = { ...SECURITY, 'cache-control': 'no-store' };
    replyJson(response, 200, overview(queryOf(url.searchParams)), headers);
  };
  routes.route('/api/overview', api);
}

/** Anything that is no sensible value counts as not given. */
function queryOf(params: URLSearchParams): OverviewQuery {
  const limit = Number(params.get('limit') ?? DEFAULT_LIMIT);
  return {
    limit: Number.isInteger(limit) && limit > 0 ? Math.min(limit, MAX_LIMIT) : DEFAULT_LIMIT,
    filter: (params.get('filter') ?? '').slice(0, MAX_FILTER_LENGTH).toLowerCase(),
    kinds: params.get('kinds') === 'all' ? 'all' : 'entry',
  };
}
