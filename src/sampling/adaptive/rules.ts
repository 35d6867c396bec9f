/** Why a probability is what it is: which rule had the last word. A closed set, an enumeration in the store. */
export const CONTROL_RULES = [
  /** Nothing is known yet: initial_sampling_probability, or the default of unknown services. */
  'initial',
  /** Taken over from another process, not decided on since. */
  'stored',
  /** Has few or no samples: as much as the exposure without roots allows. */
  'cold_start',
  /** Inside the dead band, or inside what the samples can tell: kept. */
  'kept',
  /** To target / rate, upwards. */
  'raised',
  /** Upwards, by less than target / rate: the samples are few, or the last raise has not reached all pollers. */
  'raised_carefully',
  /** To target / rate, downwards. */
  'lowered',
  /** No root for longer than chance explains: kept. */
  'silent',
  /** Silent for long: up to double, so that what is left of the traffic is seen. */
  'silent_long',
  /** min_sampling_probability, or an override's minimum. */
  'minimum',
  /** All traces are fewer than wanted, or an override's maximum. */
  'maximum',
  /** An override fixes it. */
  'fixed',
  /** An override says never. */
  'never',
  /** Has more than its target for a while: its errors or durations deviate. */
  'boosted',
  /** The service does not sample as it is told, so its roots do not tell its traffic: kept. */
  'not_followed',
  /** One of too many operations of its service: the service's default. */
  'tail',
  /** Has had no root for an hour: the service's default, until it is forgotten. */
  'left',
  /** A default: budget over traffic of the operations that are known. */
  'siblings',
] as const;

export type ControlRule = (typeof CONTROL_RULES)[number];

/** Rules by number, for columns. */
export const RULE = Object.fromEntries(CONTROL_RULES.map((rule, code) => [rule, code])) as Readonly<
  Record<ControlRule, number>
>;

export function ruleOf(code: number): ControlRule {
  return CONTROL_RULES[code] ?? 'initial';
}
