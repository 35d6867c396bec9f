import { createRow, element, formatRate, formatUptime, setText } from './cells.js';

const POLL_MS = 1000;
const LIMIT = 200;
const PATIENCE_MS = 5000;

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
let latest;
let isPaused = false;
let newestRequest = 0;

function createHeads() {
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
      if (latest) showRows(latest.rows);
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
function showRows(data) {
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

function showHead(data) {
  setText(byId('spans'), formatRate(data.spansPerSecond));
  setText(byId('errors'), formatRate(data.errorsPerSecond));
  setText(byId('services'), data.services.toLocaleString('en-US'));
  setText(byId('operations'), data.operations.toLocaleString('en-US'));
  setText(byId('controlled'), data.sampling.isServed ? String(data.sampling.operations) : 'off');
  setText(byId('uptime'), formatUptime(data.uptimeMs));
  const count = data.rows.length;
  const which =
    data.matching > count ? `the ${count} busiest of ${data.matching.toLocaleString('en-US')}` : `${count}`;
  const rest = data.unkeptSpans > 0 ? ' (some operations are not kept: max_operations)' : '';
  setText(byId('shown'), `${which} operations, last ${data.windowS} s${rest}`);
}

function showEngine(data) {
  replaceIfChanged(byId('components'), data.components, ({ key, status, reason }) => {
    const pill = element('li', ['ok', 'recoverable', 'broken'].includes(status) ? status : '', key);
    pill.title = reason ? `${status}: ${reason}` : status;
    if (status !== 'ok') pill.append(` (${status})`);
    return pill;
  });
  replaceIfChanged(byId('addresses'), data.addresses, ({ protocol, address, option }) => {
    const line = element('tr');
    line.append(element('td', '', address), element('td', '', protocol), element('td', '', option));
    return line;
  });
}

function replaceIfChanged(parent, items, create) {
  const text = JSON.stringify(items);
  if (parent.dataset.shown === text) return;
  parent.dataset.shown = text;
  parent.replaceChildren(...items.map(create));
}

function showEmpty(data) {
  const isEmpty = data.rows.length === 0;
  byId('empty').hidden = !isEmpty;
  if (!isEmpty) return;
  const isFiltered = byId('filter').value !== '' && data.operations > 0;
  const hasOthers = !isFiltered && data.operations > 0;
  const otlp = data.addresses.filter(({ option }) => option.startsWith('receivers.otlp'));
  const where = otlp.map(({ protocol, address }) => `${address} (${protocol})`).join(' or ');
  let text = where ? `Send OTLP to ${where}.` : 'Start a receiver, or produce to the topic that is consumed.';
  if (isFiltered) text = 'Change the filter, or empty it.';
  if (hasOthers) text = 'There are client and internal spans only: tick the box above to see them.';
  setText(
    byId('empty-title'),
    isFiltered ? 'No operation matches' : hasOthers ? 'No server spans yet' : 'No spans yet',
  );
  setText(byId('empty-text'), text);
}

function showState(text, isLost) {
  setText(byId('state'), text);
  byId('state').classList.toggle('lost', isLost);
}

async function poll() {
  const request = ++newestRequest;
  const query = new URLSearchParams({
    limit: String(LIMIT),
    filter: byId('filter').value.trim(),
    kinds: byId('all-kinds').checked ? 'all' : 'entry',
  });
  try {
    const answer = await fetch(`/api/overview?${query}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const data = await answer.json();
    if (request !== newestRequest) return;
    latest = data;
    showHead(data);
    showEngine(data);
    showRows(data.rows);
    showEmpty(data);
    showState(isPaused ? 'paused' : 'live', false);
  } catch {
    if (request === newestRequest) showState('no answer from the engine', true);
  }
}

async function loop() {
  for (;;) {
    if (!isPaused && !document.hidden) await poll();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

createHeads();
byId('filter').addEventListener('input', () => void poll());
byId('all-kinds').addEventListener('change', () => void poll());
byId('pause').addEventListener('click', () => {
  isPaused = !isPaused;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  showState(isPaused ? 'paused' : 'live', false);
});
void loop();
