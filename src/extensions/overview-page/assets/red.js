import {
  createSpark,
  element,
  formatMs,
  formatProbability,
  formatRate,
  formatShare,
  setText,
} from './cells.js';
import { createBars, createFigures, createNumbers, createPlot } from './plot.js';
import { linkTo } from './route.js';
import { createTable } from './table.js';

/** Rate, errors and durations: all services, one, one operation. */
export function createRed() {
  const box = element('div', 'view-head');
  const crumbs = element('nav', 'crumbs');
  crumbs.setAttribute('aria-label', 'Where you are');
  const gone = element('p', 'nothing', 'Nothing of that kind came in the last minutes.');
  const why = element('p', 'observed');
  const figures = createFigures([
    {
      title: 'rate /s',
      id: 'red-rate',
      hint: 'spans per second that arrive; what was not sampled is made up for where the trace state tells (ot=th)',
    },
    { title: 'errors', id: 'red-errors' },
    { title: 'p50', id: 'red-p50' },
    { title: 'p95', id: 'red-p95' },
    { title: 'p99', id: 'red-p99' },
  ]);
  const plots = [
    createPlot({ title: 'Rate', lines: ['rate'], format: (value) => `${formatRate(value)}/s` }),
    createPlot({ title: 'Errors', lines: ['errors'], format: formatShare }),
    createPlot({ title: 'Durations', lines: ['p50', 'p95', 'p99'], format: formatMs }),
  ];
  const numbers = createNumbers([
    { title: 'rate /s', format: formatRate },
    { title: 'errors', format: formatShare },
    { title: 'p50', format: formatMs },
    { title: 'p95', format: formatMs },
    { title: 'p99', format: formatMs },
  ]);
  const row = element('div', 'plots');
  row.append(...plots.map(({ figure }) => figure));
  const bars = createBars('Spans by duration, last minute');
  const distribution = createTable({
    caption: 'Spans by duration',
    columns: [
      { title: 'up to', number: true, text: ({ upToMs }) => formatMs(upToMs) },
      { title: 'spans', number: true, text: ({ calls }) => Math.round(calls).toLocaleString('en-US') },
    ],
    keyOf: ({ upToMs }) => upToMs,
  });
  const durations = element('div', 'beside');
  durations.append(bars.figure, distribution.box);
  const services = servicesTable();
  box.append(crumbs, figures.list, why, row, numbers.details, durations, services.box, gone);

  const update = (data, route) => {
    const { red } = data;
    const { plot, figures: now } = red;
    showCrumbs(crumbs, route);
    showWhy(why, data, route);
    const isOverview = route.service === undefined;
    gone.hidden = isOverview || red.isKnown;
    figures.update([formatRate(now.rate), formatShare(now.errorShare), ...durationsOf(now)]);
    plots[0].update(plot.agesS, [plot.rate]);
    plots[1].update(plot.agesS, [plot.errorShare]);
    plots[2].update(plot.agesS, [plot.p50Ms, plot.p95Ms, plot.p99Ms]);
    numbers.update(plot.agesS, [plot.rate, plot.errorShare, plot.p50Ms, plot.p95Ms, plot.p99Ms]);
    durations.hidden = route.operation === undefined || red.durations.length === 0;
    if (!durations.hidden) {
      bars.update(
        red.durations.map(({ upToMs, calls }) => ({ label: `up to ${formatMs(upToMs)}`, value: calls })),
      );
      distribution.update(red.durations);
    }
    services.box.hidden = !isOverview || red.services.length === 0;
    if (!services.box.hidden) {
      const all = red.matchingServices;
      const text = all > red.services.length ? `the ${red.services.length} busiest of ${all}` : String(all);
      services.update(red.services, text);
    }
  };
  return { box, update };
}

/** What is served for the operation, and why. */
function showWhy(why, { rows }, { operation, kind }) {
  const row = rows.find((each) => each.operation === operation && (kind === undefined || each.kind === kind));
  const { sampling = null } = row ?? {};
  why.hidden = operation === undefined || sampling === null;
  if (!why.hidden) setText(why, `Sampled with ${formatProbability(sampling.probability)}. ${sampling.why}`);
}

function durationsOf({ p50Ms, p95Ms, p99Ms }) {
  return [p50Ms, p95Ms, p99Ms].map(formatMs);
}

function servicesTable() {
  return createTable({
    caption: 'Services',
    keyOf: ({ service }) => service,
    columns: [
      {
        title: 'Service',
        className: 'service name',
        text: ({ service }) => service,
        href: ({ service }) => linkTo('red', { service }),
      },
      { title: 'Rate /s', number: true, text: ({ rate }) => formatRate(rate) },
      {
        title: 'Last minutes',
        show: (cell) => {
          const spark = createSpark();
          cell.append(spark.drawing);
          return ({ rates }) =>
            spark.update(
              rates,
              `from ${formatRate(rates[0] ?? 0)} to ${formatRate(rates.at(-1) ?? 0)} a second`,
            );
        },
      },
      {
        title: 'Errors',
        number: true,
        show: (cell) => (data) => {
          setText(cell, formatShare(data.errorShare));
          cell.classList.toggle('bad', data.errorShare >= 0.05);
        },
      },
      { title: 'p50', number: true, text: ({ p50Ms }) => formatMs(p50Ms) },
      { title: 'p95', number: true, text: ({ p95Ms }) => formatMs(p95Ms) },
      { title: 'p99', number: true, text: ({ p99Ms }) => formatMs(p99Ms) },
    ],
  });
}

function showCrumbs(crumbs, { service, operation, kind }) {
  const steps = [['All services', linkTo('red')]];
  if (service !== undefined) steps.push([service, linkTo('red', { service })]);
  if (operation !== undefined) steps.push([kind ? `${operation} (${kind})` : operation, '']);
  const text = JSON.stringify(steps);
  if (crumbs.dataset.shown === text) return;
  crumbs.dataset.shown = text;
  crumbs.replaceChildren(
    ...steps.flatMap(([title, href], i) => {
      const isLast = i === steps.length - 1;
      const step = element(isLast ? 'span' : 'a', isLast ? 'here' : '', title);
      if (!isLast) step.href = href;
      return i === 0 ? [step] : [element('span', 'soft', ' › '), step];
    }),
  );
}
