/** Where the reader is: `#/red?service=shop&operation=GET+%2F&kind=server`. */

export const VIEWS = ['red', 'sampling', 'graph', 'engine'];

export function currentRoute() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const params = new URLSearchParams(query);
  return {
    view: VIEWS.includes(path) ? path : 'red',
    service: params.get('service') ?? undefined,
    operation: params.get('operation') ?? undefined,
    kind: params.get('kind') ?? undefined,
  };
}

export function linkTo(view, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== '');
  const query = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
  return `#/${view}${query}`;
}
