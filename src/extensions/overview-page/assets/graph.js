import { element, formatCount, formatMs, formatRate, formatShare, setText } from './cells.js';
import { COLUMN, layout } from './graph-layout.js';
import { createFigures, svg } from './plot.js';
import { linkTo } from './route.js';
import { createTable } from './table.js';

const BOX_WIDTH = 215;
const BOX_HEIGHT = 42;
/** Room for lines that bend back. */
const MARGIN = 40;
const MOST_NODES = 80;
const LONGEST_NAME = 28;

/** Who calls whom. */
export function createGraph() {
  const box = element('div', 'view-head');
  const off = element(
    'p',
    'observed',
    'No service_graph connector runs here: add one to the exporters of a traces pipeline.',
  );
  const figures = createFigures([
    { title: 'edges', id: 'graph-edges' },
    { title: 'requests/s along them', id: 'graph-rate' },
    { title: 'failed', id: 'graph-failed' },
  ]);
  const card = element('section', 'card graph');
  const heading = element('h2', '', 'Service graph');
  const note = element('span', 'note');
  heading.append(note);
  const scroll = element('div', 'scroll');
  const drawing = svg('svg', {
    role: 'group',
    'aria-label': 'Service graph; the table below has the same edges',
  });
  scroll.append(drawing);
  card.append(heading, scroll);
  const edges = edgesTable();
  box.append(off, figures.list, card, edges.box);

  const update = ({ view }) => {
    off.hidden = view.isServed;
    figures.update([formatCount(view.matching), formatRate(view.rate), formatShare(view.failedShare)]);
    const chosen = chooseEdges(view.edges);
    card.hidden = chosen.length === 0;
    setText(
      note,
      chosen.length < view.matching ? `the ${chosen.length} busiest edges of ${view.matching}` : '',
    );
    draw(drawing, chosen, new Map(view.nodes.map((node) => [node.name, node])));
    edges.update(view.edges, `last ${view.windowS} s`);
  };
  return { box, update };
}

/** As many of the busiest as a picture can hold. */
function chooseEdges(edges) {
  const names = new Set();
  return edges.filter(({ client, server }) => {
    const more = [client, server].filter((name) => !names.has(name));
    if (names.size + more.length > MOST_NODES) return false;
    for (const name of more) names.add(name);
    return true;
  });
}

function draw(drawing, edges, nodes) {
  const pairs = merged(edges);
  const names = pairs.flatMap(({ client, server }) => [client, server]);
  const { places, width, height } = layout(names, pairs);
  const [w, h] = [width - (COLUMN - BOX_WIDTH) + 2 * MARGIN, height + 2 * MARGIN];
  const shape = JSON.stringify([[...places], pairs, [...nodes.values()]]);
  if (drawing.dataset.shown === shape) return;
  drawing.dataset.shown = shape;
  drawing.setAttribute('viewBox', `0 0 ${w} ${h}`);
  drawing.setAttribute('width', w);
  drawing.setAttribute('height', h);
  const highest = Math.max(...pairs.map(({ rate }) => rate), 1e-9);
  const lines = pairs.map((pair) => lineOf(pair, places, highest));
  const boxes = [...places].map(([name, place]) => boxOf(name, place, nodes.get(name)));
  const focused = document.activeElement?.getAttribute('href');
  drawing.replaceChildren(...lines, ...boxes);
  if (focused && document.activeElement === document.body) {
    drawing.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

/** One line for a pair, whatever the kinds of its requests. */
function merged(edges) {
  const pairs = new Map();
  for (const { client, server, rate, failedShare } of edges) {
    const key = JSON.stringify([client, server]);
    const pair = pairs.get(key) ?? { client, server, rate: 0, failed: 0 };
    pair.rate += rate;
    pair.failed += rate * failedShare;
    pairs.set(key, pair);
  }
  return [...pairs.values()];
}

function lineOf({ client, server, rate, failed }, places, highest) {
  const [from, to] = [places.get(client), places.get(server)];
  const [x1, y1] = [from.x + BOX_WIDTH + MARGIN, from.y + BOX_HEIGHT / 2 + MARGIN];
  const [x2, y2] = [to.x + MARGIN, to.y + BOX_HEIGHT / 2 + MARGIN];
  const bend = x2 > x1 ? (x2 - x1) / 2 : MARGIN;
  const share = rate > 0 ? failed / rate : 0;
  const line = svg('path', {
    d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`,
    class: `edge${share >= 0.05 ? ' failing' : ''}${rate === 0 ? ' idle' : ''}`,
    'stroke-width': (1 + 3 * Math.sqrt(rate / highest)).toFixed(1),
  });
  const tip = svg('title');
  tip.textContent = `${client} to ${server}: ${formatRate(rate)}/s, ${formatShare(share)} failed`;
  line.append(tip);
  return line;
}

function boxOf(name, { x, y }, node) {
  const { kind = 'service', rate = 0, failedShare = 0, p95Ms = null } = node ?? {};
  const isService = kind === 'service';
  const group = svg(isService ? 'a' : 'g', isService ? { href: linkTo('red', { service: name }) } : {});
  group.setAttribute('class', `node ${kind}${failedShare >= 0.05 ? ' failing' : ''}`);
  const tip = svg('title');
  tip.textContent = name;
  const [left, top] = [x + MARGIN, y + MARGIN];
  const box = svg('rect', { x: left, y: top, width: BOX_WIDTH, height: BOX_HEIGHT, rx: isService ? 7 : 20 });
  const title = svg('text', { x: left + 12, y: top + 17, class: 'node-name' });
  title.textContent = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  const text = svg('text', { x: left + 12, y: top + 33, class: 'node-figures' });
  const failed = failedShare > 0 ? ` · ${formatShare(failedShare)} failed` : '';
  text.textContent =
    p95Ms === null
      ? isService || kind === name
        ? ''
        : kind.replaceAll('_', ' ')
      : `${formatRate(rate)}/s · p95 ${formatMs(p95Ms)}${failed}`;
  group.append(tip, box, title, text);
  return group;
}

function edgesTable() {
  return createTable({
    caption: 'Edges',
    keyOf: ({ client, server, connection }) => JSON.stringify([client, server, connection]),
    empty: 'No request between two services was seen yet.',
    columns: [
      {
        title: 'Client',
        className: 'service name',
        text: ({ client }) => client,
        href: ({ client }) => linkTo('red', { service: client }),
      },
      {
        title: 'Server',
        className: 'service name',
        text: ({ server }) => server,
        href: ({ server }) => linkTo('red', { service: server }),
      },
      { title: 'Connection', text: ({ connection }) => connection.replaceAll('_', ' ') || 'request' },
      { title: 'Requests /s', number: true, text: ({ rate }) => formatRate(rate) },
      {
        title: 'Failed',
        number: true,
        show: (cell) => (row) => {
          setText(cell, formatShare(row.failedShare));
          cell.classList.toggle('bad', row.failedShare >= 0.05);
        },
      },
      { title: 'p50, server', number: true, text: ({ p50Ms }) => formatMs(p50Ms) },
      { title: 'p95, server', number: true, text: ({ p95Ms }) => formatMs(p95Ms) },
      { title: 'p95, client', number: true, text: ({ clientP95Ms }) => formatMs(clientP95Ms) },
      { title: 'Since the start', number: true, text: ({ calls }) => formatCount(calls) },
    ],
  });
}
