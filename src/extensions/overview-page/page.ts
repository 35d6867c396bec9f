import { readFileSync } from 'node:fs';
import type { HttpHandler, HttpRoutes } from '../../flow/host.ts';
import { allowMethods, type Headers, reply, replyJson } from '../../http/replies.ts';
import type { RedQuery } from './red-view.ts';
import type { Views } from './views.ts';

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

const SCRIPTS = [
  'overview.js',
  'cells.js',
  'engine.js',
  'graph.js',
  'graph-layout.js',
  'operation-row.js',
  'operations.js',
  'plot.js',
  'red.js',
  'route.js',
  'sampling.js',
  'table.js',
] as const;

const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ...['overview.css', 'views.css'].map(
    (file) => [`/assets/${file}`, file, 'text/css; charset=utf-8'] as const,
  ),
  ...SCRIPTS.map((file) => [`/assets/${file}`, file, 'text/javascript; charset=utf-8'] as const),
  ['/favicon.ico', 'icon.svg', 'image/svg+xml'],
];

export const DEFAULT_LIMIT = 200;
const MAX_LIMIT = 1000;
const MAX_FILTER_LENGTH = 200;

/** @throws where a file is missing: the package is incomplete */
export function servePage(routes: HttpRoutes, views: Views, monotonicMs: () => number): void {
  for (const [path, file, type] of FILES) {
    const body = readFileSync(new URL(file, ASSETS));
    const headers = { ...SECURITY, 'content-type': type, 'cache-control': 'no-cache' };
    routes.route(path, (request, response) => {
      if (allowMethods(request, response, ['GET'])) reply(response, 200, headers, body);
    });
  }
  const headers = { ...SECURITY, 'cache-control': 'no-store' };
  const api = (path: string, answer: (query: RedQuery) => unknown): void => {
    const handler: HttpHandler = (request, response, url) => {
      if (!allowMethods(request, response, ['GET'])) return;
      const beganMs = monotonicMs();
      replyJson(response, 200, answer(queryOf(url.searchParams)), headers);
      views.latencies.answered(monotonicMs() - beganMs);
    };
    routes.route(path, handler);
  };
  api('/api/overview', (query) => views.overview(query));
  api('/api/views/red', (query) => views.red(query));
  api('/api/views/sampling', (query) => views.sampling(query));
  api('/api/views/graph', (query) => views.graph(query));
  api('/api/views/engine', (query) => views.engine(query));
}

/** Anything that is no sensible value counts as not given. */
function queryOf(params: URLSearchParams): RedQuery {
  const limit = Number(params.get('limit') ?? DEFAULT_LIMIT);
  return {
    limit: Number.isInteger(limit) && limit > 0 ? Math.min(limit, MAX_LIMIT) : DEFAULT_LIMIT,
    filter: (params.get('filter') ?? '').slice(0, MAX_FILTER_LENGTH).toLowerCase(),
    kinds: params.get('kinds') === 'all' ? 'all' : 'entry',
    service: params.get('service') ?? undefined,
    operation: params.get('operation') ?? undefined,
    kind: params.get('kind') ?? undefined,
  };
}
