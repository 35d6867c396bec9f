import type { TopicRule } from './config.ts';

/** Which of the existing topics the rule means, and which it names that don't exist. */
export interface TopicChoice {
  /** Sorted, without duplicates. */
  readonly topics: readonly string[];
  readonly missing: readonly string[];
}

/** Patterns match anywhere in the name (they begin with ^); exclusions too; topics of Kafka itself never match. */
export function chooseTopics(rule: TopicRule, existing: readonly string[]): TopicChoice {
  const exclude = rule.exclude.map((text) => new RegExp(text, 'u'));
  const chosen = new Set<string>();
  const missing: string[] = [];
  for (const topic of rule.topics) {
    if (!topic.startsWith('^')) {
      if (existing.includes(topic)) chosen.add(topic);
      else missing.push(topic);
      continue;
    }
    const pattern = new RegExp(topic, 'u');
    for (const name of existing) {
      const isMeant =
        pattern.test(name) && !name.startsWith('__') && !exclude.some((other) => other.test(name));
      if (isMeant) chosen.add(name);
    }
  }
  return { topics: [...chosen].sort(), missing };
}

export function hasPattern(rule: TopicRule): boolean {
  return rule.topics.some((topic) => topic.startsWith('^'));
}
