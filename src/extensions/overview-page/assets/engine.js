import { element, formatBytes, formatCount, formatMs, formatRate, rateOrNothing } from './cells.js';
import { createFigures, createNumbers, createPlot } from './plot.js';
import { createTable } from './table.js';

/** The engine itself: lag, throughput, CPU, memory, inserts, dead letters, latencies. */
export function createEngine() {
  const box = element('div', 'view-head');
  const figures = createFigures([
    { title: 'lag, messages', id: 'engine-lag' },
    { title: 'spans/s in', id: 'engine-rate' },
    { title: 'spans, all', id: 'engine-spans' },
    { title: 'bytes/s in', id: 'engine-bytes' },
    { title: 'in flight', hint: 'held by blocks that are open or on their way', id: 'engine-flight' },
    { title: 'CPU, cores', hint: 'of this process', id: 'engine-cpu' },
    { title: 'memory', hint: 'of this process; a database beside it has its own', id: 'engine-memory' },
    { title: 'dead letters', hint: 'since the start', id: 'engine-dead' },
  ]);
  const cores = (value) => value.toFixed(2);
  const plots = [
    createPlot({ title: 'Lag', lines: ['messages'], format: formatCount }),
    createPlot({ title: 'Spans in', lines: ['spans'], format: (value) => `${formatRate(value)}/s` }),
    createPlot({ title: 'CPU', lines: ['cores'], format: (value) => `${cores(value)} cores` }),
    createPlot({ title: 'Memory', lines: ['resident'], format: formatBytes }),
    createPlot({ title: 'Time of an insert', lines: ['mean'], format: formatMs }),
  ];
  const row = element('div', 'plots');
  row.append(...plots.map(({ figure }) => figure));
  const numbers = createNumbers([
    { title: 'lag', format: formatCount },
    { title: 'spans /s', format: formatRate },
    { title: 'CPU, cores', format: cores },
    { title: 'memory', format: formatBytes },
    { title: 'insert, mean', format: formatMs },
  ]);
  const latencies = latenciesTable();
  const inserts = insertsTable();
  const deadLetters = countsTable('Dead letters', 'Reason', 'No record was put aside.');
  const refused = countsTable('Refused requests', 'Reason', 'No request was refused.');
  const blocks = countsTable('Blocks', 'How they ended', 'No block yet.');
  const lags = createTable({
    caption: 'Lag by partition',
    keyOf: ({ topic, partition }) => JSON.stringify([topic, partition]),
    empty: 'No Kafka partition is read here.',
    columns: [
      { title: 'Topic', text: ({ topic }) => topic },
      { title: 'Partition', number: true, text: ({ partition }) => partition },
      { title: 'Messages', number: true, text: ({ messages }) => formatCount(messages) },
    ],
  });
  const culprits = createTable({
    caption: 'Too many names',
    keyOf: ({ service, label }) => JSON.stringify([service, label]),
    empty: 'Every service is within its limits.',
    columns: [
      { title: 'Service', text: ({ service }) => service },
      { title: 'Label', text: ({ label }) => label },
      { title: 'Spans folded', number: true, text: ({ spans }) => formatCount(spans) },
    ],
  });
  const grid = element('div', 'beside');
  grid.append(blocks.box, deadLetters.box, refused.box, lags.box, culprits.box);
  box.append(figures.list, row, numbers.details, inserts.box, latencies.box, grid);

  const update = ({ view }) => {
    const { figures: now, plot } = view;
    figures.update([
      formatCount(now.lagMessages),
      rateOrNothing(now.spansPerSecond),
      formatCount(now.spans),
      now.bytesPerSecond === null ? '–' : formatBytes(now.bytesPerSecond),
      formatBytes(now.inFlightBytes),
      now.cpuCores === null ? '–' : cores(now.cpuCores),
      formatBytes(now.residentBytes),
      formatCount(now.deadLetters),
    ]);
    const columns = [plot.lagMessages, plot.spansPerSecond, plot.cpuCores, plot.residentBytes, plot.insertMs];
    columns.forEach((values, i) => {
      plots[i].update(plot.agesS, [values]);
    });
    numbers.update(plot.agesS, columns);
    latencies.update(view.latencies);
    inserts.update(view.inserts, `last ${view.windowS} s`);
    deadLetters.update(view.deadLetters);
    refused.update(view.refused);
    blocks.update(view.blocks);
    lags.update(view.lags);
    culprits.update(view.culprits);
  };
  return { box, update };
}

function latenciesTable() {
  return createTable({
    caption: 'Latencies of the engine itself',
    keyOf: ({ what }) => what,
    columns: [
      { title: 'What', text: ({ what }) => what },
      { title: 'p50', number: true, text: ({ p50Ms }) => formatMs(p50Ms) },
      { title: 'p90', number: true, text: ({ p90Ms }) => formatMs(p90Ms) },
      { title: 'p99', number: true, text: ({ p99Ms }) => formatMs(p99Ms) },
      { title: 'most', number: true, text: ({ maxMs }) => formatMs(maxMs) },
    ],
  });
}

function insertsTable() {
  return createTable({
    caption: 'Inserts into ClickHouse',
    keyOf: ({ table }) => table,
    empty: 'Nothing is written to ClickHouse here.',
    columns: [
      { title: 'Table', text: ({ table }) => table },
      { title: 'Inserts /s', number: true, text: ({ insertsPerSecond }) => rateOrNothing(insertsPerSecond) },
      { title: 'Rows /s', number: true, text: ({ rowsPerSecond }) => rateOrNothing(rowsPerSecond) },
      {
        title: 'Bytes /s',
        number: true,
        text: ({ bytesPerSecond }) => (bytesPerSecond === null ? '–' : formatBytes(bytesPerSecond)),
      },
      { title: 'Mean time', number: true, text: ({ meanMs }) => formatMs(meanMs) },
      { title: 'Rows, all', number: true, text: ({ rows }) => formatCount(rows) },
      { title: 'Failed attempts', number: true, text: ({ failures }) => formatCount(failures) },
    ],
  });
}

function countsTable(caption, what, empty) {
  return createTable({
    caption,
    empty,
    keyOf: (row) => row.what,
    columns: [
      { title: what, text: (row) => row.what.replaceAll('_', ' ') },
      { title: 'Last minute', number: true, text: ({ lastMinute }) => formatCount(lastMinute) },
      { title: 'Since the start', number: true, text: ({ total }) => formatCount(total) },
    ],
  });
}
