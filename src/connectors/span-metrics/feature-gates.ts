import { z } from 'zod';

/** Feature gates of the collector's connector, and what they do. */
const GATES = {
  'connector.spanmetrics.legacyMetricNames': 'no namespace, unless one is set: calls, duration',
  'connector.spanmetrics.includeCollectorInstanceID': 'adds collector.instance.id, new at every start',
  'connector.spanmetrics.excludeResourceMetrics':
    'no job, instance or target_info, unless add_resource_attributes is on',
  'connector.spanmetrics.useSecondAsDefaultMetricsUnit': 'histogram.unit is s by default',
  'spanmetrics.statusCodeConvention.useOtelPrefix':
    'otel.status_code OK or ERROR (none when unset) instead of status.code',
} as const;

export type Gate = keyof typeof GATES;

const NAMES = Object.keys(GATES) as Gate[];

/** As `--feature-gates` of the collector has them: a list or text with commas; `-` switches one off. */
export const featureGates = z
  .array(
    z.string().refine((text) => NAMES.some((name) => name === text.replace(/^[+-]/, '')), {
      error: `expected one of ${NAMES.join(', ')}, or one of them after + or -`,
    }),
  )
  .default([])
  .transform((list): readonly Gate[] => {
    const on = new Set<Gate>();
    for (const text of list) {
      const name = text.replace(/^[+-]/, '') as Gate;
      if (text.startsWith('-')) on.delete(name);
      else on.add(name);
    }
    return [...on].sort();
  })
  .describe(
    'what the collector takes as --feature-gates, all off unless named: ' +
      NAMES.map((name) => `\`${name}\` (${GATES[name]})`).join('; '),
  );
