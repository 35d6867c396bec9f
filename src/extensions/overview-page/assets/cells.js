/**
 * How values become text and table cells. Whatever came from a span is only ever set as textContent:
 * names of services and operations are whatever a client chose to send.
 */

const SVG = 'http://www.w3.org/2000/svg';
const SPARK_WIDTH = 84;
const SPARK_HEIGHT = 22;

export function formatRate(value) {
  if (value === 0) return '0';
  if (value < 0.01) return '<0.01';
  if (value < 10) return value.toFixed(2);
  if (value < 100) return value.toFixed(1);
  return Math.round(value).toLocaleString('en-US');
}

/** Of a rate that may not be known. */
export function rateOrNothing(value) {
  return value === null || value === undefined ? '–' : formatRate(value);
}

export function formatShare(value) {
  if (value === 0) return '0 %';
  if (value < 0.0005) return '<0.1 %';
  return `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
}

export function formatMs(value) {
  if (value === null) return '–';
  if (value < 1) return `${Math.round(value * 1000)} µs`;
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

export function formatProbability(value) {
  if (value === 1) return '1';
  if (value >= 0.01) return value.toFixed(3);
  return value.toPrecision(2);
}

export function formatCount(value) {
  return Math.round(value).toLocaleString('en-US');
}

export function formatBytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function formatUptime(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Changes the page only where the text differs: a selection of the reader survives. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A line without axes; `update` takes values, oldest first, and what they say in words. */
export function createSpark() {
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('class', 'spark');
  drawing.setAttribute('viewBox', `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`);
  drawing.setAttribute('role', 'img');
  const base = document.createElementNS(SVG, 'line');
  for (const [name, at] of [
    ['x1', 0],
    ['y1', SPARK_HEIGHT - 1],
    ['x2', SPARK_WIDTH],
    ['y2', SPARK_HEIGHT - 1],
  ]) {
    base.setAttribute(name, at);
  }
  const line = document.createElementNS(SVG, 'polyline');
  drawing.append(base, line);
  const update = (values, words) => {
    line.setAttribute('points', values.length > 0 ? sparkPoints(values) : '');
    drawing.setAttribute('aria-label', words);
  };
  return { drawing, update };
}

/** From zero to the largest value, so that a halving looks like one. */
function sparkPoints(history) {
  const top = Math.max(...history, 1e-9);
  const step = history.length > 1 ? SPARK_WIDTH / (history.length - 1) : 0;
  const points = history.map((value, i) => {
    const y = 2 + (SPARK_HEIGHT - 4) * (1 - value / top);
    return `${(i * step).toFixed(1)},${y.toFixed(1)}`;
  });
  if (points.length === 1) points.push(points[0].replace(/^[^,]+/, String(SPARK_WIDTH)));
  return points.join(' ');
}
