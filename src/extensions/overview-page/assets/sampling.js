import { element, formatProbability, formatRate, formatShare, rateOrNothing, setText } from './cells.js';
import { createFigures } from './plot.js';
import { linkTo } from './route.js';
import { createTable } from './table.js';

/** What is served, what really comes, what was wanted, why, who follows and who asks. */
export function createSampling() {
  const box = element('div', 'view-head');
  const note = element('p', 'observed');
  note.hidden = true;
  const figures = createFigures([
    { title: 'requests/s, estimated', id: 'sampling-requests' },
    { title: 'sampled/s, wanted', id: 'sampling-wanted' },
    { title: 'sampled/s, expected', hint: 'probability times estimated requests', id: 'sampling-expected' },
    { title: 'sampled/s, real', hint: 'sampled root spans that came, last minute', id: 'sampling-real' },
    {
      title: 'not following',
      hint: 'services that do not sample as they are told',
      id: 'sampling-disobeyed',
    },
    { title: 'pollers', id: 'sampling-pollers' },
  ]);
  const decisions = decisionsTable();
  const conformance = createTable({
    caption: 'Conformance',
    keyOf: ({ service }) => service,
    empty: 'No service is under control yet.',
    columns: [
      { title: 'Service', className: 'service name', text: ({ service }) => service },
      {
        title: 'Samples as told',
        show: (cell) => (row) => {
          setText(cell, WORDS[row.conformance] ?? row.conformance);
          cell.classList.toggle('bad', !isWell(row));
        },
      },
      { title: 'Instances that poll', number: true, text: ({ instances }) => String(instances) },
    ],
  });
  const pollers = pollersTable();
  const beside = element('div', 'beside');
  beside.append(conformance.box, pollers.box);
  box.append(note, figures.list, decisions.box, beside);

  const update = (data) => {
    const { view, sampling } = data;
    note.hidden = view.mode !== 'observe' && sampling.isServed;
    setText(
      note,
      sampling.isServed
        ? 'Sampling is only observed (mode: observe): what is planned stands beside what is served.'
        : 'No remote_sampling extension decides here.',
    );
    figures.update([
      formatRate(view.requests),
      formatRate(view.wanted),
      formatRate(view.expected),
      rateOrNothing(view.real),
      String(view.services.filter((row) => !isWell(row)).length),
      String(view.matchingPollers),
    ]);
    decisions.update(view.rows, countOf(view.rows.length, view.matching));
    conformance.update(view.services);
    pollers.update(view.pollers, countOf(view.pollers.length, view.matchingPollers));
  };
  return { box, update };
}

const WORDS = {
  unknown: 'not known yet',
  follows: 'yes',
  samples_more: 'keeps more than it was told',
  samples_less: 'keeps less than it was told',
  not_uniform: 'its trace ids are not random enough to tell',
};

function isWell({ conformance }) {
  return conformance === 'unknown' || conformance === 'follows';
}

function countOf(shown, matching) {
  return matching > shown ? `${shown} of ${matching.toLocaleString('en-US')}` : String(shown);
}

function decisionsTable() {
  return createTable({
    caption: 'What is served, and why',
    keyOf: ({ service, operation }) => JSON.stringify([service, operation]),
    empty: 'Nothing is decided yet.',
    columns: [
      {
        title: 'Service',
        className: 'service name',
        text: ({ service }) => service || '(unknown services)',
        href: ({ service }) => linkTo('red', { service }),
      },
      {
        title: 'Operation',
        className: 'name',
        text: ({ operation }) => operation || '(all others)',
        href: ({ service, operation }) => linkTo('red', { service, operation }),
      },
      { title: 'Served', number: true, text: ({ probability }) => formatProbability(probability) },
      {
        title: 'Planned',
        number: true,
        hint: 'what would be served if it were not only observed',
        text: ({ planned }) => (planned === null ? '–' : formatProbability(planned)),
      },
      {
        title: 'Requests /s',
        number: true,
        hint: 'sampled or not, as estimated, with the bounds of a 95 % interval',
        text: ({ requestsPerSecond: rate, requestsLow: low, requestsHigh: high }) =>
          rate === null || low === null || high === null
            ? rateOrNothing(rate)
            : `${formatRate(rate)} (${formatRate(low)} to ${formatRate(high)})`,
      },
      { title: 'Sampled /s', number: true, text: ({ sampledPerSecond }) => rateOrNothing(sampledPerSecond) },
      { title: 'Target /s', number: true, text: ({ target }) => rateOrNothing(target) },
      {
        title: 'Budget',
        number: true,
        hint: 'share of the budget',
        text: ({ budgetShare }) => (budgetShare === null ? '–' : formatShare(budgetShare)),
      },
      {
        title: 'Why',
        className: 'why',
        show: (cell) => {
          const [rule, text] = [element('b'), element('span')];
          cell.append(rule, text);
          return (row) => {
            setText(rule, row.rule.replaceAll('_', ' '));
            setText(text, row.why);
            cell.classList.toggle('disobeyed', !isWell(row));
          };
        },
      },
    ],
  });
}

function pollersTable() {
  return createTable({
    caption: 'Who polls',
    keyOf: ({ service, address, client, transport }) => JSON.stringify([service, address, client, transport]),
    empty: 'Nobody has asked for a strategy yet.',
    columns: [
      { title: 'Service', className: 'service name', text: ({ service }) => service },
      { title: 'Address', text: ({ address }) => address },
      { title: 'Client', text: ({ client, transport }) => `${client} (${transport})` },
      { title: 'Instances', number: true, text: ({ instances }) => String(instances) },
      {
        title: 'Every',
        number: true,
        text: ({ intervalS }) => (intervalS === null ? '–' : `${formatRate(intervalS)} s`),
      },
      { title: 'Polls', number: true, text: ({ polls }) => polls.toLocaleString('en-US') },
      {
        title: 'Last',
        number: true,
        text: ({ lastPollAgoS, isAlive }) => `${lastPollAgoS} s ago${isAlive ? '' : ', gone'}`,
      },
    ],
  });
}
