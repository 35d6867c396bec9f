import {
  createSpark,
  element,
  formatMs,
  formatProbability,
  formatRate,
  formatShare,
  rateOrNothing,
  setText,
} from './cells.js';
import { linkTo } from './route.js';

/** How sure the estimated requests are. */
function intervalOf(sampling) {
  if (sampling === null || sampling.requestsLow === null || sampling.requestsHigh === null) return '';
  return `${formatRate(sampling.requestsLow)} to ${formatRate(sampling.requestsHigh)}, 19 times in 20`;
}

/** A row whose `update` shows a row of the API. */
export function createRow() {
  const row = element('tr');
  const service = element('td', 'service name');
  const serviceName = element('a');
  service.append(serviceName);
  const operation = element('td', 'name');
  const operationName = element('a');
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
    setText(serviceName, data.service);
    service.title = data.service;
    serviceName.href = linkTo('red', { service: data.service });
    setText(operationName, data.operation);
    operationName.href = linkTo('red', { service: data.service, operation: data.operation, kind: data.kind });
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
  const planned = element('span', 'planned');
  const spark = createSpark();
  box.append(value, planned, spark.drawing);
  cell.append(box);

  const update = (sampling) => {
    box.classList.toggle('soft', sampling === null);
    spark.drawing.style.visibility = sampling === null ? 'hidden' : 'visible';
    setText(value.firstChild, sampling === null ? '–' : formatProbability(sampling.probability));
    setText(arrow, '');
    planned.hidden = sampling?.planned == null;
    setText(planned, sampling?.planned == null ? '' : `planned ${formatProbability(sampling.planned)}`);
    if (sampling === null) return;
    const { history, probability, previous } = sampling;
    if (probability !== previous) {
      setText(arrow, probability > previous ? ' ▲' : ' ▼');
      arrow.className = probability > previous ? 'up' : 'down';
    }
    const first = history.length > 0 ? history[0] : probability;
    spark.update(
      history,
      `from ${formatProbability(first)} to ${formatProbability(probability)} in the last minutes`,
    );
  };
  return { cell, update };
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
