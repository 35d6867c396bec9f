import { element, setText } from './cells.js';

/** Small plots of the last minutes, drawn as SVG, with their numbers in a table beside them. */

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 320;
const HEIGHT = 96;
const TOP = 6;
const SHORTEST_S = 60;

export function svg(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** `lines` are names; `format` makes text of a value. */
export function createPlot({ title, lines, format }) {
  const figure = element('figure', 'card plot');
  const caption = element('figcaption');
  caption.append(element('span', 'title', title));
  const legends = lines.map((name, i) => {
    const legend = element('span', `legend line${i}`);
    const value = element('b');
    if (lines.length > 1) legend.append(element('i'), `${name} `);
    legend.append(value);
    caption.append(legend);
    return value;
  });
  const drawing = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
    class: 'drawing',
  });
  for (const y of [TOP, (TOP + HEIGHT - 1) / 2, HEIGHT - 1]) {
    drawing.append(svg('line', { x1: 0, x2: WIDTH, y1: y, y2: y, class: 'grid' }));
  }
  const paths = lines.map((_, i) => svg('path', { class: `line line${i}` }));
  drawing.append(...paths);
  const scale = element('div', 'scale');
  const [oldest, most] = [element('span'), element('span')];
  scale.append(oldest, most, element('span', '', 'now'));
  figure.append(caption, drawing, scale);

  const update = (agesS, columns) => {
    const spanS = Math.max(SHORTEST_S, ...agesS);
    const known = columns.flat().filter((value) => value !== null);
    const highest = known.length > 0 ? Math.max(...known) : 0;
    columns.forEach((values, i) => {
      paths[i].setAttribute('d', pathOf(agesS, values, spanS, highest));
      setText(legends[i], lastOf(values, format));
    });
    const peak = known.length > 0 ? `at most ${format(highest)}` : '';
    setText(most, peak);
    setText(oldest, `${Math.round(spanS / 60)} min ago`);
    const words = lines.map((name, i) => `${name} ${lastOf(columns[i], format)}`).join(', ');
    drawing.setAttribute('aria-label', `${title}: ${words}; ${peak} over the last minutes`);
  };
  return { figure, update };
}

function lastOf(values, format) {
  const last = values.at(-1);
  return last === undefined || last === null ? '–' : format(last);
}

/** From zero to the highest value; a gap where nothing is known. */
function pathOf(agesS, values, spanS, highest) {
  let path = '';
  let isPen = false;
  values.forEach((value, i) => {
    if (value === null) {
      isPen = false;
      return;
    }
    const x = WIDTH * (1 - agesS[i] / spanS);
    const y = TOP + (HEIGHT - 1 - TOP) * (1 - (highest > 0 ? value / highest : 0));
    path += `${isPen ? 'L' : 'M'}${x.toFixed(1)},${y.toFixed(1)}`;
    // A lone point has no length: it gets some.
    if (!isPen && (values[i + 1] ?? null) === null) path += 'h2';
    isPen = true;
  });
  return path;
}

/** The numbers of plots, newest first: `columns` are `{title, format}`. */
export function createNumbers(columns) {
  const details = element('details', 'numbers');
  const table = element('table', 'operations plain');
  const head = element('tr');
  for (const title of ['seconds ago', ...columns.map((column) => column.title)]) {
    const cell = element('th', 'number', title);
    cell.scope = 'col';
    head.append(cell);
  }
  const heads = element('thead');
  heads.append(head);
  const body = element('tbody');
  table.append(element('caption', 'hidden', 'The numbers of the plots'), heads, body);
  details.append(element('summary', '', 'These plots as a table'), table);

  const update = (agesS, values) => {
    if (!details.open) return;
    while (body.childElementCount > agesS.length) body.lastChild.remove();
    while (body.childElementCount < agesS.length) {
      const row = element('tr');
      row.append(...[0, ...columns].map(() => element('td', 'number')));
      body.append(row);
    }
    agesS.forEach((ageS, i) => {
      const cells = body.children[agesS.length - 1 - i].children;
      setText(cells[0], String(ageS));
      columns.forEach(({ format }, c) => {
        const value = values[c][i];
        setText(cells[c + 1], value === null || value === undefined ? '–' : format(value));
      });
    });
  };
  return { details, update };
}

/** Bars of a distribution: `bars` are `{label, value}`. */
export function createBars(title) {
  const figure = element('figure', 'card plot wide');
  const caption = element('figcaption');
  caption.append(element('span', 'title', title));
  const drawing = svg('svg', {
    viewBox: `0 0 ${WIDTH * 2} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
    class: 'drawing',
  });
  const scale = element('div', 'scale');
  const [first, last] = [element('span'), element('span')];
  scale.append(first, last);
  figure.append(caption, drawing, scale);
  const update = (bars) => {
    const highest = Math.max(...bars.map(({ value }) => value), 0);
    const step = (WIDTH * 2) / Math.max(1, bars.length);
    const made = bars.map(({ label, value }, i) => {
      const height = highest > 0 ? (HEIGHT - TOP) * (value / highest) : 0;
      const bar = svg('rect', {
        x: (i * step + 1).toFixed(1),
        y: (HEIGHT - height).toFixed(1),
        width: Math.max(1, step - 2).toFixed(1),
        height: height.toFixed(1),
        class: 'bar-of',
      });
      const tip = svg('title');
      tip.textContent = label;
      bar.append(tip);
      return bar;
    });
    drawing.replaceChildren(...made);
    setText(first, bars[0]?.label ?? '');
    setText(last, bars.at(-1)?.label ?? '');
    const most = bars.reduce((best, bar) => (bar.value > (best?.value ?? -1) ? bar : best), undefined);
    drawing.setAttribute('aria-label', `${title}; most of them ${most?.label ?? 'unknown'}`);
  };
  return { figure, update };
}

/** Figures with names under them; `update` takes texts in the same order. */
export function createFigures(names) {
  const list = element('dl', 'figures view-figures');
  const values = names.map(({ title, hint, id }) => {
    const pair = element('div');
    const value = element('dd', '', '–');
    if (hint) pair.title = hint;
    if (id) value.id = id;
    pair.append(element('dt', '', title), value);
    list.append(pair);
    return value;
  });
  const update = (texts) => {
    texts.forEach((text, i) => {
      setText(values[i], text);
    });
  };
  return { list, update };
}
