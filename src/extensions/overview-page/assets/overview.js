import { element, formatRate, formatUptime, setText } from './cells.js';
import { createEngine } from './engine.js';
import { createGraph } from './graph.js';
import { createHeads, showRows } from './operations.js';
import { createRed } from './red.js';
import { currentRoute, VIEWS } from './route.js';
import { createSampling } from './sampling.js';

const POLL_MS = 1000;
const LIMIT = 200;
const PATIENCE_MS = 5000;

const TITLES = { red: 'Services', sampling: 'Sampling', graph: 'Service graph', engine: 'Engine' };

const byId = (id) => document.getElementById(id);
const views = { red: createRed(), sampling: createSampling(), graph: createGraph(), engine: createEngine() };
let isPaused = false;
let newestRequest = 0;

function showRoute() {
  const route = currentRoute();
  for (const view of VIEWS) {
    views[view].box.hidden = view !== route.view;
    const link = byId(`to-${view}`);
    if (view === route.view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const isRed = route.view === 'red';
  byId('operations-card').hidden = !isRed || route.operation !== undefined;
  byId('filter-label').hidden = route.view === 'engine' || route.operation !== undefined;
  byId('kinds-label').hidden = !isRed || route.operation !== undefined;
  const place = [route.operation, route.service, TITLES[route.view], 'Spanweir'];
  document.title = place.filter((each) => each !== undefined).join(' · ');
}

function showHead(data) {
  setText(byId('spans'), formatRate(data.spansPerSecond));
  setText(byId('errors'), formatRate(data.errorsPerSecond));
  setText(byId('services'), data.services.toLocaleString('en-US'));
  setText(byId('operations'), data.operations.toLocaleString('en-US'));
  const { isServed, mode, operations } = data.sampling;
  setText(byId('controlled'), isServed ? `${operations}${mode === 'observe' ? ' (observed)' : ''}` : 'off');
  setText(byId('uptime'), formatUptime(data.uptimeMs));
}

function showCount(data) {
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

function queryOf(route) {
  const query = new URLSearchParams({
    limit: String(LIMIT),
    filter: byId('filter').value.trim(),
    kinds: byId('all-kinds').checked ? 'all' : 'entry',
  });
  for (const name of ['service', 'operation', 'kind']) {
    if (route.view === 'red' && route[name] !== undefined) query.set(name, route[name]);
  }
  return query;
}

async function poll() {
  const request = ++newestRequest;
  const route = currentRoute();
  try {
    const answer = await fetch(`/api/views/${route.view}?${queryOf(route)}`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const data = await answer.json();
    if (request !== newestRequest) return;
    showHead(data);
    showEngine(data);
    views[route.view].update(data, route);
    if (route.view === 'red') {
      showCount(data);
      showRows(data.rows);
      showEmpty(data);
    }
    if (route.view !== 'red' || route.operation !== undefined) setText(byId('shown'), '');
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
byId('views').append(...VIEWS.map((view) => views[view].box));
showRoute();
addEventListener('hashchange', () => {
  showRoute();
  void poll();
});
byId('filter').addEventListener('input', () => void poll());
byId('all-kinds').addEventListener('change', () => void poll());
byId('pause').addEventListener('click', () => {
  isPaused = !isPaused;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  showState(isPaused ? 'paused' : 'live', false);
});
void loop();
