import type { Scenario } from '../../../sampling/simulator/scenario.ts';
import type { OperationSeries } from '../../../sampling/simulator/series.ts';
import { SLICE_S } from '../../../sampling/simulator/series.ts';
import { resampled } from './braille-plot.ts';
import { HEADER, type OperationSummary, summaryCells } from './summary.ts';

export interface Report {
  readonly scenario: Scenario;
  readonly algorithm: string;
  readonly series: readonly OperationSeries[];
  readonly summaries: readonly OperationSummary[];
  /** Plots of so many operations, the busiest. */
  readonly plots: number;
}

const WIDTH = 900;
const LANE = 120;
const LEFT = 70;
const POINTS = 600;

/** One HTML page that needs nothing else. */
export function htmlReport({ scenario, algorithm, series, summaries, plots }: Report): string {
  const order = summaries.map((_, i) => i).sort((a, b) => rateAt(summaries, b) - rateAt(summaries, a));
  const busiest = order.slice(0, plots);
  const { fleet, durationS, seed, name } = scenario;
  const about = [
    `seed ${seed}`,
    `${timeText(durationS)}`,
    `${fleet.instances} instances of each service (${fleet.sdk}, ${
      fleet.tags === 'none' ? 'no tags' : `${fleet.tags} tags`
    }, lower bound ${fleet.lowerBound ? 'honoured' : 'ignored'})`,
    `a poll every ${fleet.pollIntervalS} s`,
    `algorithm ${algorithm}`,
  ];
  const events = scenario.events.map((event) => `${event.do} at ${timeText(event.atS)}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(name)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(name)}</h1>
<p>${escaped([...about, ...events].join('; '))}.</p>
<table><thead><tr>${HEADER.map((title) => `<th>${title}</th>`).join('')}</tr></thead><tbody>
${order
  .slice(0, TABLE_ROWS)
  .map((i) => tableRow(summaries[i] as OperationSummary))
  .join('\n')}
</tbody></table>
${order.length > TABLE_ROWS ? `<p>${order.length - TABLE_ROWS} more operations are not shown.</p>` : ''}
${busiest.map((i) => figure(series[i] as OperationSeries, summaries[i] as OperationSummary, scenario)).join('\n')}
</body></html>
`;
}

const TABLE_ROWS = 500;

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#1b1f24,#e6e8eb);--soft:light-dark(#8a929b,#7d868f);
--line:light-dark(#0b66c3,#6db3ff);--mark:light-dark(#c2410c,#ff9d5c);--band:light-dark(#0b66c318,#6db3ff22)}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:1120px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}
th,td{text-align:right;padding:.2rem .5rem;border-bottom:1px solid var(--band);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{font-weight:600}
figure{margin:2rem 0}figcaption{font-weight:600}svg{width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}.axis{stroke:var(--soft);stroke-width:.5}
.curve{fill:none;stroke:var(--line);stroke-width:1.2}.event{stroke:var(--mark);stroke-dasharray:3 3}
.band{fill:var(--band)}.bound{fill:none;stroke:var(--mark);stroke-width:1}`;

function tableRow(summary: OperationSummary): string {
  return `<tr>${summaryCells(summary)
    .map((cell) => `<td>${escaped(cell)}</td>`)
    .join('')}</tr>`;
}

function figure(series: OperationSeries, summary: OperationSummary, scenario: Scenario): string {
  const seconds = series.rate.length * SLICE_S;
  const lanes = [
    lane({ title: 'requests/s', values: series.rate, at: 0 }),
    lane({ title: 'probability served', values: series.probability, at: 1, logarithmic: true }),
    lane({
      title: 'sampled/s (1 min), lower bound orange',
      values: minuteMeans(series.sampled),
      second: minuteMeans(series.lowerBound),
      target: summary.target,
      at: 2,
    }),
  ];
  const height = lanes.length * (LANE + 20) + 20;
  const x = (timeS: number): number => LEFT + ((WIDTH - LEFT) * timeS) / seconds;
  const ticks = Array.from({ length: 7 }, (_, i) => (seconds * i) / 6)
    .map(
      (s, i) =>
        `<text x="${x(s).toFixed(1)}" y="${height - 4}" text-anchor="${i === 6 ? 'end' : 'middle'}">${timeText(s)}</text>`,
    )
    .join('');
  const events = scenario.events
    .map(({ atS, do: what }) => {
      const at = x(atS).toFixed(1);
      return `<line class="event" x1="${at}" x2="${at}" y1="0" y2="${height - 20}"><title>${what}</title></line>`;
    })
    .join('');
  return `<figure><figcaption>${escaped(`${series.service} / ${series.operation}`)}</figcaption>
<svg viewBox="0 0 ${WIDTH + 10} ${height}" role="img">${lanes.join('')}${events}${ticks}</svg></figure>`;
}

interface Lane {
  readonly title: string;
  readonly values: Float64Array;
  readonly second?: Float64Array;
  readonly target?: number;
  readonly at: number;
  readonly logarithmic?: boolean;
}

function lane({ title, values, second, target = Number.NaN, at, logarithmic = false }: Lane): string {
  const top = LANE * at + 20 * at + 16;
  const shown = resampled(values, POINTS);
  const others = second === undefined ? [] : resampled(second, POINTS);
  const positive = [...shown].filter((value) => value > 0);
  const most = Math.max(...shown, ...others, Number.isNaN(target) ? 0 : target * 1.3, 1e-12);
  const least = logarithmic ? Math.min(...positive, most) : 0;
  const y = (value: number): number => {
    const part = logarithmic
      ? Math.log(Math.max(value, least) / least) / (Math.log(most / least) || 1)
      : value / most;
    return top + LANE - LANE * part;
  };
  const path = (points: ArrayLike<number>): string =>
    Array.from(points, (value, i) => {
      const x = LEFT + ((WIDTH - LEFT) * (i + 0.5)) / points.length;
      return `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y(value).toFixed(1)}`;
    }).join('');
  const band =
    target > 0
      ? `<rect class="band" x="${LEFT}" width="${WIDTH - LEFT}" y="${y(target * 1.3).toFixed(1)}" height="${(
          y(target * 0.7) - y(target * 1.3)
        ).toFixed(1)}"/>`
      : '';
  const label = (value: number, at_: number): string =>
    `<text x="${LEFT - 6}" y="${(at_ + 4).toFixed(1)}" text-anchor="end">${axisText(value)}</text>`;
  return `<text x="${LEFT}" y="${top - 4}">${title}</text>${band}
<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${top + LANE}" y2="${top + LANE}"/>
${label(most, top)}${label(least, top + LANE)}<path class="curve" d="${path(shown)}"/>${
    others.length > 0 ? `<path class="bound" d="${path(others)}"/>` : ''
  }`;
}

/** Mean of each value and the five before it. */
function minuteMeans(values: Float64Array): Float64Array {
  const length = 60 / SLICE_S;
  return values.map((_, i) => {
    const from = Math.max(0, i - length + 1);
    let sum = 0;
    for (let k = from; k <= i; k++) sum += values[k] as number;
    return sum / (i - from + 1);
  });
}

function axisText(value: number): string {
  return value === 0 ? '0' : value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

export function timeText(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return `${h}:${String(m).padStart(2, '0')}${s === 0 ? '' : `:${String(s).padStart(2, '0')}`} h`;
}

function rateAt(summaries: readonly OperationSummary[], i: number): number {
  return summaries[i]?.rate ?? 0;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
