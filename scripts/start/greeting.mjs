// @ts-check

const PAGE = 'http://localhost:16686';

/** What each address is for, by the option that sets it. */
const PURPOSES = /** @type {const} */ ([
  [/^receivers\.otlp.*\.grpc\./, 'spans in: OTLP over gRPC'],
  [/^receivers\.otlp.*\.http\./, 'spans in: OTLP over HTTP'],
  [/^extensions\.remote_sampling.*\.http\./, 'sampling strategies over HTTP'],
  [/^extensions\.remote_sampling.*\.grpc\./, 'sampling strategies over gRPC'],
  [/^exporters\.prometheus/, '/metrics: rates, errors and durations for Prometheus'],
  [/^service\.telemetry/, '/metrics of the engine itself'],
  [/^extensions\.health/, 'health'],
  [/^extensions\.overview_page/, 'the page'],
]);

/**
 * Says what listens where, as the engine itself tells, and what to look at first.
 * @param {import('../start.mjs').Options} options
 */
export async function showWhatIsThere({ demo, kafka }) {
  const lines = ['', 'Spanweir is up.', ''];
  for (const { address, option } of await addresses()) {
    const purpose = PURPOSES.find(([pattern]) => pattern.test(option))?.[1] ?? option;
    lines.push(`  ${address.padEnd(18)} ${purpose}`);
  }
  if (kafka) lines.push(`  ${'localhost:4317/8'.padEnd(18)} spans in: OTLP, at the collector`);
  if (!process.env.CLICKHOUSE_URL) {
    lines.push(`  ${'localhost:8123'.padEnd(18)} ClickHouse over HTTP, database spanweir (9000: native)`);
  }
  lines.push('', `  Open ${PAGE}`, '');
  if (demo) {
    lines.push(
      '  A demo shop of twelve services sends spans with the OpenTelemetry SDK and nothing else: sampling is',
      '  controlled without tags. It starts at probability 1 (at what was last served when there is data of an',
      '  earlier start); within half a minute the busy operations fall towards five sampled traces per second,',
      '  and after a minute comes a rush hour. Why each is what it is:  bin/spanweir sampling explain',
    );
  } else {
    lines.push('  Send OTLP to localhost:4317 (gRPC) or localhost:4318 (HTTP).');
  }
  lines.push('  Ctrl-C stops everything in order; data stays in data/.', '');
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** @returns {Promise<{address: string, option: string}[]>} */
async function addresses() {
  try {
    const answer = await fetch(`${PAGE}/api/overview?limit=1`, { signal: AbortSignal.timeout(2000) });
    const { addresses: found } = /** @type {any} */ (await answer.json());
    return found;
  } catch {
    // The page may be elsewhere, or not in this configuration.
    return [];
  }
}
