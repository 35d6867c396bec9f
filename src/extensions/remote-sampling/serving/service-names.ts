/**
 * The names that a request may mean, likeliest first; undefined unless `service` stands in the query exactly
 * once. The JS SDK puts the name into the URL as it is, so a `+` or `%2F` in it does not survive decoding,
 * and a `&` ends the parameter: its literal forms come after the decoded one.
 */
export function serviceNames(url: URL): readonly string[] | undefined {
  const decoded = url.searchParams.getAll('service');
  const [service] = decoded;
  if (service === undefined || decoded.length > 1) return undefined;
  const raw = /[?&]service=([^&]*)/.exec(url.search);
  if (raw === null) return [service];
  const literal = raw[1] as string;
  if (literal === service && !url.search.includes('&')) return [service];
  const names = [service, percentDecoded(literal), literal];
  const rest = url.search.slice(raw.index + '?service='.length);
  if (rest !== literal) names.push(percentDecoded(rest), rest);
  return [...new Set(names)];
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
