/** What the shop consists of: who serves what, how long it takes, how often it fails, and whom it calls. */
export interface Operation {
  readonly service: string;
  readonly name: string;
  readonly kind: 'server' | 'consumer' | 'job';
  /** Own work, without the calls. */
  readonly medianMs: number;
  readonly spread: number;
  /** Share of requests that fail by themselves. */
  readonly errors: number;
  readonly calls: readonly Call[];
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Call {
  readonly to: Operation;
  /** Share of requests that make this call. */
  readonly share: number;
  /** A queue: the caller goes on, and the consumer begins later. */
  readonly isQueued: boolean;
  /** The caller fails when the callee does. */
  readonly isVital: boolean;
}

interface Details {
  readonly ms: number;
  readonly spread?: number;
  readonly errors?: number;
  readonly calls?: readonly Call[];
  readonly kind?: Operation['kind'];
}

function operation(service: string, name: string, details: Details): Operation {
  const { ms, spread = 0.4, errors = 0.001, calls = [], kind = 'server' } = details;
  return { service, name, kind, medianMs: ms, spread, errors, calls, attributes: attributesOf(name, kind) };
}

function attributesOf(name: string, kind: Operation['kind']): Record<string, string> {
  const [first = '', second = ''] = name.split(' ');
  if (kind === 'consumer') return { 'messaging.system': 'kafka', 'messaging.destination.name': first };
  if (second.startsWith('/')) return { 'http.request.method': first, 'http.route': second };
  const [rpcService = '', rpcMethod = ''] = name.split('/');
  return kind === 'job' ? {} : { 'rpc.system': 'grpc', 'rpc.service': rpcService, 'rpc.method': rpcMethod };
}

const call = (to: Operation, share = 1): Call => ({ to, share, isQueued: false, isVital: true });
const aside = (to: Operation, share = 1): Call => ({ to, share, isQueued: false, isVital: false });
const queue = (to: Operation): Call => ({ to, share: 1, isQueued: true, isVital: false });

const convert = operation('currency', 'shop.Currency/Convert', { ms: 0.6, spread: 0.3, errors: 0 });
const stock = operation('inventory', 'shop.Inventory/GetStock', { ms: 2.5, errors: 0.002 });
const reserve = operation('inventory', 'shop.Inventory/Reserve', { ms: 8, spread: 0.6, errors: 0.01 });
const product = operation('catalog', 'shop.Catalog/GetProduct', { ms: 3, calls: [call(stock, 0.4)] });
const list = operation('catalog', 'shop.Catalog/ListProducts', { ms: 9, spread: 0.5 });
const find = operation('catalog', 'shop.Catalog/Search', { ms: 28, spread: 0.9, errors: 0.004 });
const ads = operation('ads', 'shop.Ads/GetAds', { ms: 5, spread: 0.8, errors: 0.03 });
const advice = operation('recommendation', 'shop.Recommendation/List', {
  ms: 14,
  spread: 0.7,
  errors: 0.006,
  calls: [call(list, 0.5)],
});
const session = operation('accounts', 'shop.Accounts/GetSession', { ms: 1.5 });
const getCart = operation('cart', 'shop.Cart/GetCart', { ms: 2, calls: [call(convert, 0.7)] });
const addItem = operation('cart', 'shop.Cart/AddItem', { ms: 4, errors: 0.003, calls: [call(product)] });
const emptyCart = operation('cart', 'shop.Cart/Empty', { ms: 2 });
const quote = operation('shipping', 'shop.Shipping/GetQuote', { ms: 11, calls: [call(convert)] });
const ship = operation('shipping', 'shop.Shipping/ShipOrder', { ms: 35, spread: 0.6, errors: 0.004 });
const charge = operation('payment', 'shop.Payment/Charge', { ms: 120, spread: 0.7, errors: 0.04 });
const confirm = operation('email', 'orders process', {
  ms: 22,
  spread: 0.6,
  errors: 0.008,
  kind: 'consumer',
});
const place = operation('checkout', 'shop.Checkout/PlaceOrder', {
  ms: 6,
  calls: [
    call(getCart),
    call(quote),
    call(reserve),
    call(charge),
    call(ship),
    aside(emptyCart),
    queue(confirm),
  ],
});

export interface EntryPoint {
  readonly operation: Operation;
  /** Requests a second at --rate 1, outside the rush. */
  readonly perSecond: number;
  /** Times the traffic during the rush. */
  readonly rush: number;
}

function entry(op: Operation, perSecond: number, rush = 1): EntryPoint {
  return { operation: op, perSecond, rush };
}

/** Where traces begin, from hot to rare. */
export const entryPoints: readonly EntryPoint[] = [
  entry(
    operation('frontend', 'GET /products/{id}', {
      ms: 4,
      calls: [call(product), aside(advice, 0.8), aside(ads)],
    }),
    70,
    4,
  ),
  entry(
    operation('frontend', 'GET /', { ms: 5, calls: [call(list), aside(ads), aside(session, 0.5)] }),
    50,
    3,
  ),
  entry(operation('frontend', 'GET /search', { ms: 5, calls: [call(find)] }), 25, 4),
  entry(operation('frontend', 'GET /cart', { ms: 4, calls: [call(session), call(getCart)] }), 14, 3),
  entry(operation('frontend', 'POST /cart/items', { ms: 4, calls: [call(session), call(addItem)] }), 9, 5),
  entry(operation('accounts', 'POST /oauth/token', { ms: 45, spread: 0.3, errors: 0.02 }), 8),
  entry(operation('frontend', 'GET /orders/{id}', { ms: 6, calls: [call(session), call(quote, 0.3)] }), 4),
  entry(operation('frontend', 'POST /checkout', { ms: 7, calls: [call(session), call(place)] }), 3, 6),
  entry(
    operation('frontend', 'POST /login', { ms: 60, spread: 0.3, errors: 0.08, calls: [call(session)] }),
    2,
  ),
  entry(operation('catalog', 'GET /feed.xml', { ms: 90, spread: 0.3 }), 1),
  entry(operation('shipping', 'poll carriers', { ms: 240, spread: 0.8, errors: 0.05, kind: 'job' }), 0.5),
  entry(operation('inventory', 'restock', { ms: 60, kind: 'job', calls: [call(stock)] }), 0.3),
  entry(operation('recommendation', 'retrain', { ms: 1200, kind: 'job', calls: [call(list)] }), 0.05),
];

/** Every service that serves anything, in the order in which requests meet them. */
export function serviceNames(): string[] {
  const names = new Set<string>();
  const visit = ({ service, calls }: Operation): void => {
    names.add(service);
    for (const { to } of calls) visit(to);
  };
  for (const { operation: op } of entryPoints) visit(op);
  return [...names];
}
