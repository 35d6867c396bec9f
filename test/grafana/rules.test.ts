import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { isShown, mistakes, selected } from './queries.ts';

const FOLDER = join(import.meta.dirname, '../../grafana/prometheus');

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const read = (name: string): unknown => parse(readFileSync(join(FOLDER, name), 'utf8'));
const { groups } = read('alerts.yaml') as { groups: { name: string; rules: Rule[] }[] };
const RULES = groups.flatMap(({ rules }) => rules);
const ALERTS = RULES.filter(({ alert }) => alert !== undefined);

test('the rules parse, and ask for what the engine shows or what they record', () => {
  const recorded = new Set([...RULES.flatMap(({ record }) => record ?? []), 'spanweir:own_objective', 'up']);
  expect(ALERTS.length).toBeGreaterThan(12);
  for (const { alert, record, expr } of RULES) {
    expect(mistakes(expr), alert ?? record).toEqual([]);
    const unknown = selected(expr).filter((metric) => !isShown(metric) && !recorded.has(metric));
    expect(unknown, alert ?? record).toEqual([]);
  }
});

test('every alert says how urgent it is, what happened and what to do', () => {
  for (const { alert, labels, annotations } of ALERTS) {
    expect(alert).toMatch(/^Spanweir[A-Z]/);
    expect(['page', 'ticket'], alert).toContain(labels?.['severity']);
    expect(annotations?.['summary'], alert).toMatch(/\S/);
    expect(annotations?.['description'], alert).toMatch(/[.?]$/);
  }
});

test('every alert has a test in which it fires and says what is written there', () => {
  interface Case {
    readonly alert_rule_test?: readonly { alertname: string; exp_alerts: readonly unknown[] }[];
  }
  const { tests } = read('alerts.test.yaml') as { tests: Case[] };
  const fired = tests
    .flatMap(({ alert_rule_test = [] }) => alert_rule_test)
    .filter(({ exp_alerts }) => exp_alerts.length > 0)
    .map(({ alertname }) => alertname);
  expect(new Set(fired)).toEqual(new Set(ALERTS.map(({ alert }) => alert)));
});
