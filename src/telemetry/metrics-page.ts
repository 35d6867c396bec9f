import { METRICS } from './metrics.ts';

/** docs/metrics.md. */
export function renderMetricsPage(): string {
  const rows = Object.entries(METRICS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { kind, unit, labels, help }]) => {
      const names = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${kind === 'timer' ? 'summary' : kind} | ${unit} | ${names} | ${help} |\n`;
    });
  return `# Metrics of the engine itself

This page is generated from src/telemetry/metrics.ts (\`spanweir docs\`).

They are served at \`service.telemetry.metrics.address\` (\`localhost:8888\`), path \`/metrics\`, together with the
\`process_*\` and \`nodejs_*\` metrics of the Node process (memory, CPU, event-loop lag). \`level: none\` silences them.
Values of several ingest threads are added up (ages and states: the largest counts).

| name | kind | unit | labels | meaning |
|---|---|---|---|---|
${rows.join('')}`;
}
