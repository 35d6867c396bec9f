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

/** How sure the estimated requests are. */
function intervalOf(sampling) {
  if (sampling === null || sampling.requestsLow === null || sampling.requestsHigh === null) return '';
  return `${formatRate(sampling.requestsLow)} to ${formatRate(sampling.requestsHigh)}, 19 times in 20`;
}

/** Of a rate that may not be known. */
function rateOrNothing(value) {
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

/** A row whose `update` shows a row of the API. */
export function createRow() {
  const row = element('tr');
  const service = element('td', 'service name');
  const operation = element('td', 'name');
  const operationName = element('span');
  const kind = element('span', 'kind');
  operation.append(operationName, kind);
  const rate = element('td', 'number');
  const rateText = element('span');
  const bar = element('span', 'bar');
  rate.append(rateText, bar);
  const errors = element('td', 'number');
  const durations = [0, 1, 2].map(() => element('td', 'number'));
  const probability = createProbabilityCell();
  const requests = element('td', 'number');
  const sampled = element('td', 'number');
  const target = element('td', 'number');
  const why = createWhyCell();
  row.append(
    service,
    operation,
    rate,
    errors,
    ...durations,
    probability.cell,
    requests,
    sampled,
    target,
    why.cell,
  );

  const update = (data, largestRate) => {
    setText(service, data.service);
    service.title = data.service;
    setText(operationName, data.operation);
    operation.title = data.operation;
    setText(kind, data.kind);
    setText(rateText, formatRate(data.rate));
    bar.style.width = `${largestRate > 0 ? Math.max(1, (data.rate / largestRate) * 64) : 0}px`;
    setText(errors, formatShare(data.errorShare));
    errors.className = errorClass(data.errorShare);
    [data.p50Ms, data.p95Ms, data.p99Ms].forEach((ms, i) => {
      setText(durations[i], formatMs(ms));
    });
    probability.update(data.sampling);
    setText(requests, rateOrNothing(data.sampling?.requestsPerSecond));
    requests.title = intervalOf(data.sampling);
    requests.classList.toggle('soft', data.sampling === null);
    setText(sampled, rateOrNothing(data.sampling?.sampledPerSecond));
    setText(target, rateOrNothing(data.sampling?.target));
    sampled.classList.toggle('soft', data.sampling === null);
    target.classList.add('soft');
    why.update(data.sampling);
  };
  return { row, update };
}

function errorClass(share) {
  if (share === 0) return 'number soft';
  return share >= 0.05 ? 'number bad' : 'number';
}

function createProbabilityCell() {
  const cell = element('td');
  const box = element('div', 'probability');
  const value = element('b');
  const arrow = element('span');
  arrow.setAttribute('aria-hidden', 'true');
  value.append(element('span'), arrow);
  const spark = document.createElementNS(SVG, 'svg');
  spark.setAttribute('class', 'spark');
  spark.setAttribute('viewBox', `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`);
  spark.setAttribute('role', 'img');
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
  spark.append(base, line);
  box.append(value, spark);
  cell.append(box);

  const update = (sampling) => {
    box.classList.toggle('soft', sampling === null);
    spark.style.visibility = sampling === null ? 'hidden' : 'visible';
    setText(value.firstChild, sampling === null ? '–' : formatProbability(sampling.probability));
    setText(arrow, '');
    if (sampling === null) return;
    const { history, probability, previous } = sampling;
    if (probability !== previous) {
      setText(arrow, probability > previous ? ' ▲' : ' ▼');
      arrow.className = probability > previous ? 'up' : 'down';
    }
    line.setAttribute('points', sparkPoints(history));
    const first = history.length > 0 ? history[0] : probability;
    spark.setAttribute(
      'aria-label',
      `from ${formatProbability(first)} to ${formatProbability(probability)} in the last minutes`,
    );
  };
  return { cell, update };
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

function createWhyCell() {
  const cell = element('td', 'why');
  const reason = element('b');
  const text = element('span');
  cell.append(reason, text);
  const update = (sampling) => {
    reason.hidden = sampling === null;
    setText(reason, sampling === null ? '' : sampling.rule.replaceAll('_', ' '));
    setText(text, sampling === null ? 'No sampled trace began here.' : sampling.why);
    const isDisobeyed = sampling !== null && !['unknown', 'follows'].includes(sampling.conformance);
    cell.classList.toggle('disobeyed', isDisobeyed);
  };
  return { cell, update };
}
