import { element } from './cells.js';
import { createRow } from './operation-row.js';

const COLUMNS = [
  { title: 'Service', sort: (row) => row.service.toLowerCase(), ascending: true },
  { title: 'Operation', sort: (row) => row.operation.toLowerCase(), ascending: true },
  {
    title: 'Rate /s',
    sort: (row) => row.rate,
    number: true,
    hint: 'spans per second that arrive; what was not sampled is made up for where the trace state tells (ot=th)',
  },
  { title: 'Errors', sort: (row) => row.errorShare, number: true },
  { title: 'p50', sort: (row) => row.p50Ms ?? -1, number: true },
  { title: 'p95', sort: (row) => row.p95Ms ?? -1, number: true },
  { title: 'p99', sort: (row) => row.p99Ms ?? -1, number: true },
  { title: 'Probability', sort: (row) => row.sampling?.probability ?? -1, hint: 'served to SDKs now' },
  {
    title: 'Requests /s',
    sort: (row) => row.sampling?.requestsPerSecond ?? -1,
    number: true,
    hint: 'requests that begin here, sampled or not, as estimated from those that are sampled',
  },
  {
    title: 'Sampled /s',
    sort: (row) => row.sampling?.sampledPerSecond ?? -1,
    number: true,
    hint: 'sampled traces per second, as the estimated requests and the probability make them',
  },
  {
    title: 'Target /s',
    sort: (row) => row.sampling?.target ?? -1,
    number: true,
    hint: 'sampled root spans per second that are wanted',
  },
  { title: 'Why', sort: (row) => row.sampling?.rule ?? '', ascending: true },
];

const byId = (id) => document.getElementById(id);
const rows = new Map();
const sorting = { column: 2, ascending: false };
let latest = [];

export function createHeads() {
  COLUMNS.forEach((column, i) => {
    const head = element('th', column.number ? 'number' : '');
    head.scope = 'col';
    const button = element('button', '', column.title);
    button.type = 'button';
    if (column.hint) button.title = column.hint;
    button.addEventListener('click', () => {
      if (sorting.column === i) sorting.ascending = !sorting.ascending;
      else Object.assign(sorting, { column: i, ascending: column.ascending === true });
      showSorting();
      showRows(latest);
    });
    head.append(button);
    byId('heads').append(head);
  });
  showSorting();
}

function showSorting() {
  [...byId('heads').children].forEach((head, i) => {
    if (i === sorting.column) head.setAttribute('aria-sort', sorting.ascending ? 'ascending' : 'descending');
    else head.removeAttribute('aria-sort');
  });
}

function sorted(data) {
  const { sort } = COLUMNS[sorting.column];
  const sign = sorting.ascending ? 1 : -1;
  const keyed = data.map((row) => ({ row, key: sort(row) }));
  keyed.sort((a, b) => {
    if (a.key === b.key) return keyOf(a.row) < keyOf(b.row) ? -1 : 1;
    return a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ row }) => row);
}

function keyOf(row) {
  return JSON.stringify([row.service, row.operation, row.kind]);
}

/** Rows are kept and moved, not made anew: focus, selection and hover stay where they are. */
export function showRows(data) {
  latest = data;
  const body = byId('rows');
  const largest = data.reduce((most, row) => Math.max(most, row.rate), 0);
  const seen = new Set();
  let next = body.firstChild;
  for (const row of sorted(data)) {
    const key = keyOf(row);
    seen.add(key);
    let shown = rows.get(key);
    if (!shown) {
      shown = createRow();
      rows.set(key, shown);
    }
    shown.update(row, largest);
    if (shown.row === next) next = next.nextSibling;
    else body.insertBefore(shown.row, next);
  }
  for (const [key, shown] of rows) {
    if (seen.has(key)) continue;
    shown.row.remove();
    rows.delete(key);
  }
}
