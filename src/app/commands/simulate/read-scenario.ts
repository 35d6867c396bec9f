import { checkValue } from '../../../config/check-value.ts';
import { mapNode, type Node, type Path, positionOf } from '../../../config/node.ts';
import { formatProblem, inReadingOrder, type Problem } from '../../../config/problem.ts';
import { readYaml } from '../../../config/read-yaml.ts';
import {
  type AdaptiveConfig,
  adaptiveConfig,
} from '../../../extensions/remote-sampling/adaptive/adaptive-config.ts';
import type { Scenario } from '../../../sampling/simulator/scenario.ts';
import { scenarioSchema, type WrittenScenario } from './scenario-schema.ts';
import { unfoldScenario } from './unfold-scenario.ts';

export interface ReadScenario {
  readonly scenario: Scenario;
  /** The controller's options, as the extension itself has them. */
  readonly controller: AdaptiveConfig;
}

/** Everything that is wrong with a scenario, in reading order: `file:line:column: path: what and why`. */
export interface ScenarioProblems {
  readonly problems: readonly string[];
}

/** Reads a scenario, YAML or JSON. */
export function readScenario(text: string, source: string): ReadScenario | ScenarioProblems {
  const problems: Problem[] = [];
  const root = withStore(readYaml(text, source, problems));
  if (problems.length === 0 && root.kind !== 'map') {
    problems.push({ at: root.at, path: [], message: 'expected a map with duration, fleet, operations, ...' });
  }
  if (problems.length > 0) return told(problems);
  const written = checkValue({ root, path: [] }, scenarioSchema, problems);
  const controller = checkValue({ root, path: ['controller'] }, adaptiveConfig, problems);
  if (written !== undefined) checkNames(written, root, problems);
  if (written === undefined || controller === undefined || problems.length > 0) return told(problems);
  const name = source.replace(/^.*[/\\]/, '').replace(/\.(ya?ml|json)$/, '');
  return { scenario: unfoldScenario(written, name), controller };
}

/** The extension wants to be told where its throughput is; here there is no store. */
function withStore(root: Node): Node {
  if (root.kind !== 'map') return root;
  const given = root.entries.get('controller') ?? { at: root.at, value: mapNode(root.at) };
  if (given.value.kind !== 'map' || given.value.entries.has('sampling_store')) return root;
  const store = { at: given.at, value: { kind: 'scalar', at: given.at, value: 'memory' } as const };
  const controller = mapNode(given.value.at, [...given.value.entries, ['sampling_store', store]]);
  return mapNode(root.at, [...root.entries, ['controller', { at: given.at, value: controller }]]);
}

/** What the parts of a scenario say of each other. */
function checkNames(written: WrittenScenario, root: Node, problems: Problem[]): void {
  const report = (path: Path, message: string): void => {
    problems.push({ at: positionOf(root, path), path, message });
  };
  const seen = new Set<string>();
  const services = new Set<string>();
  let isGenerated = false;
  for (const [i, one] of written.operations.entries()) {
    if (!('operation' in one)) {
      isGenerated = true;
      continue;
    }
    services.add(one.service);
    const key = `${one.service}\n${one.operation}`;
    if (seen.has(key))
      report(['operations', i], `found "${one.operation}" of "${one.service}" a second time`);
    seen.add(key);
  }
  for (const [i, event] of written.events.entries()) {
    if (event.at >= written.duration) {
      report(['events', i, 'at'], `found ${event.at}, expected a time before the end (${written.duration})`);
    }
    const service = 'service' in event ? event.service : undefined;
    if (service === undefined || services.has(service) || isGenerated) continue;
    report(['events', i, 'service'], `found "${service}", expected a service of one of the operations`);
  }
}

function told(problems: readonly Problem[]): ScenarioProblems {
  return { problems: inReadingOrder(problems).map(formatProblem) };
}
