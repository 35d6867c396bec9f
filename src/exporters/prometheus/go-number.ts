/** A number as Go prints it with the fewest digits that read back alike: 5e-05, 0.002, 999999, 1e+06. */
export function formatGo(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const magnitude = Math.abs(value);
  if (value === 0 || (magnitude >= 1e-4 && magnitude < 1e6)) return String(value);
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const sign = exponent[0] === '-' ? '-' : '+';
  return `${mantissa}e${sign}${exponent.slice(1).padStart(2, '0')}`;
}

/** The same in OpenMetrics, where a float always looks like one: 2.0. */
export function formatOpenMetrics(value: number): string {
  const text = formatGo(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
