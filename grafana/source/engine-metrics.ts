/** Of the chosen engines. */
export const OF = '{instance=~"$instance"}';

/** A counter of the engine's own, per second. */
export function per(metric: string, by: string): string {
  return `sum by (${by}) (rate(${metric}${OF}[$__rate_interval]))`;
}
