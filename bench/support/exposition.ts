/** Samples of a text exposition, by `name{labels}` with the labels sorted by name. */
export type Samples = ReadonlyMap<string, number>;

export async function scrape(url: string): Promise<Samples> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return parseExposition(await response.text());
}

/** Text format 0.0.4. `drop` names labels that are left out of the keys. */
export function parseExposition(text: string, drop: readonly string[] = []): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    const key = sortedKey(line.slice(0, space), drop);
    samples.set(key, (samples.get(key) ?? 0) + Number(line.slice(space + 1).replace('Inf', 'Infinity')));
  }
  return samples;
}

function sortedKey(series: string, drop: readonly string[]): string {
  const brace = series.indexOf('{');
  if (brace === -1) return series;
  const labels = [...series.slice(brace).matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
    .filter((match) => !drop.includes(match[1] as string))
    .map((match) => match[0])
    .sort();
  return `${series.slice(0, brace)}{${labels.join()}}`;
}

/** Sum over all series of a name. */
export function total(samples: Samples, name: string): number {
  let sum = 0;
  for (const [key, value] of samples) if (key === name || key.startsWith(`${name}{`)) sum += value;
  return sum;
}
