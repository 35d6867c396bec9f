import type { TestResource, TestSpan } from '../../support/spans.ts';

/**
 * An hour of a shop whose every number is known. In each minute:
 *
 * - frontend, server `GET /cart`, 120 spans: 102 take 3 ms, 12 take 30 ms, 6 take 300 ms and fail
 * - under each of them frontend, client `cart.Get`, 2 ms, and under that cart, server `Get`, 1 ms, which fails where its root does
 * - under half of those cart, client `SELECT`, 0.5 ms, to the database `carts`
 * - payment, consumer `orders process`, 30 spans of 1,500 ms, roots, of which every second one was sampled: 60 calls
 */
export const STEP_S = 60;
export const STEPS = 60;
export const SPANS_PER_STEP = 120 * 3 + 60 + 30;
export const CALLS_PER_STEP = 120 * 3 + 60 + 60;
/** frontend to cart, cart to the database, and `user` to the roots. */
export const EDGES_PER_STEP = 120 + 60 + 120 + 60;

const MS = 1_000_000n;

/** The spans of a step that ends at `endMs`, by the service that sends them. */
export function shopStep(step: number, endMs: number): TestResource[] {
  const startNs = BigInt(endMs - STEP_S * 1000) * MS;
  const bySender = { frontend: [] as TestSpan[], cart: [] as TestSpan[], payment: [] as TestSpan[] };
  for (let i = 0; i < 120; i++) {
    const [ms, isError] = i < 6 ? [300n, true] : i < 18 ? [30n, false] : [3n, false];
    const traceId = idOf(32, step, i, 1);
    const [server, client, cart] = [idOf(16, step, i, 1), idOf(16, step, i, 2), idOf(16, step, i, 3)];
    const at = startNs + BigInt(i) * 400n * MS;
    bySender.frontend.push({
      traceId,
      spanId: server,
      name: 'GET /cart',
      kind: 2,
      startNs: at,
      durationNs: Number(ms * MS),
      attributes: {
        'http.route': '/cart',
        'http.method': 'GET',
        'http.status_code': isError ? 500 : 200,
      },
      ...(isError && { status: { code: 2, message: 'no cart' } }),
    });
    bySender.frontend.push({
      traceId,
      spanId: client,
      parentSpanId: server,
      name: 'cart.Get',
      kind: 3,
      startNs: at + MS / 10n,
      durationNs: 2e6,
    });
    bySender.cart.push({
      traceId,
      spanId: cart,
      parentSpanId: client,
      name: 'Get',
      kind: 2,
      startNs: at + MS / 5n,
      durationNs: 1e6,
      ...(isError && { status: { code: 2, message: 'no database' } }),
    });
    if (i % 2 === 1) {
      bySender.cart.push({
        traceId,
        spanId: idOf(16, step, i, 4),
        parentSpanId: cart,
        name: 'SELECT',
        kind: 3,
        startNs: at + MS / 4n,
        durationNs: 5e5,
        attributes: { 'db.system': 'postgresql', 'db.name': 'carts' },
      });
    }
  }
  for (let i = 0; i < 30; i++) {
    const durationNs = 1_500_000_000;
    bySender.payment.push({
      traceId: idOf(32, step, i, 2),
      spanId: idOf(16, step, i, 5),
      name: 'orders process',
      traceState: 'ot=th:8',
      kind: 5,
      startNs: startNs + BigInt(i) * 1_900n * MS,
      durationNs,
    });
  }
  return Object.entries(bySender).map(([service, spans]) => ({
    service,
    attributes: { 'telemetry.sdk.language': 'nodejs' },
    spans,
  }));
}

/** Hex, and random enough for a sampler: ids are read as numbers. */
function idOf(digits: number, step: number, i: number, salt: number): string {
  let hash = BigInt(step * 1000 + i * 8 + salt);
  let text = '';
  while (text.length < digits) {
    hash = BigInt.asUintN(64, (hash ^ (hash >> 31n)) * 0x9e3779b97f4a7c15n + 0x7f4a7c15n);
    text += (hash ^ (hash >> 29n)).toString(16).padStart(16, '0').slice(-16);
  }
  return text.slice(0, digits);
}
