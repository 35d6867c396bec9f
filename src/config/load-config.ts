import type { ComponentType } from '../flow/component-type.ts';
import { checkAuth } from './check-auth.ts';
import { checkPipelines, type Plan } from './check-pipelines.ts';
import { checkSampling } from './check-sampling.ts';
import { checkValue } from './check-value.ts';
import { type Defined, readComponents, SECTION_NAMES, type Section } from './defined.ts';
import { expand } from './expand.ts';
import type { ConfiguredComponent, LoadedConfig } from './loaded-config.ts';
import { keyPositionOf, type MapNode, type Node, nodeAt, type Path } from './node.ts';
import { formatProblem, inReadingOrder, type Problem } from './problem.ts';
import { treatedOtherwise } from './schema-walk.ts';
import { serviceSchema } from './service-schema.ts';
import { type ConfigEnvironment, type ConfigSources, readSources } from './sources.ts';

/** Everything that is wrong with a configuration, in reading order. */
export interface ConfigProblems {
  /** `file:line:column: path: what was found, what was expected`. */
  readonly problems: readonly string[];
}

/**
 * Reads, merges, expands and checks a configuration. Only components that a pipeline or service.extensions
 * uses are in the result; the others are checked too, and named in the warnings.
 */
export function loadConfig(
  sources: ConfigSources,
  table: readonly ComponentType[],
  environment: ConfigEnvironment,
): LoadedConfig | ConfigProblems {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const merged = readSources(sources, environment, problems);
  if (problems.some((problem) => problem.fatal)) return told(problems);
  const root = expand(merged, environment, problems, warnings);
  const defined = readComponents(root, table, problems);
  const service = checkValue({ root, path: ['service'] }, serviceSchema, problems);
  const plan = checkPipelines(root, defined, problems);
  checkSampling(root, defined, plan, problems);
  checkAuth(root, defined, plan, problems);
  if (service === undefined || problems.length > 0) return told(problems);
  warnings.push(...findUnused(root, defined, plan), ...findInsteads(root, defined));
  const used = (section: Section): Record<string, ConfiguredComponent> =>
    usedComponents(section, defined, plan);
  return {
    receivers: used('receivers'),
    processors: used('processors'),
    connectors: used('connectors'),
    exporters: used('exporters'),
    extensions: used('extensions'),
    service: { ...service, pipelines: plan.pipelines },
    warnings: inReadingOrder(warnings).map(formatProblem),
  };
}

function told(problems: readonly Problem[]): ConfigProblems {
  return { problems: inReadingOrder(problems).map(formatProblem) };
}

function usedIds(section: Section, { pipelines, extensions }: Plan): Set<string> {
  if (section === 'extensions') return new Set(extensions);
  if (section === 'connectors') return new Set(pipelines.flatMap((pipeline) => pipeline.exporters));
  return new Set(pipelines.flatMap((pipeline) => pipeline[section]));
}

function usedComponents(section: Section, defined: Defined, plan: Plan): Record<string, ConfiguredComponent> {
  const used = usedIds(section, plan);
  const components: Record<string, ConfiguredComponent> = {};
  for (const { id, type, config } of defined[section].values()) {
    if (type !== undefined && used.has(id)) components[id] = { type: type.type, config };
  }
  return components;
}

function findUnused(root: MapNode, defined: Defined, plan: Plan): Problem[] {
  return SECTION_NAMES.flatMap((section) => {
    const used = usedIds(section, plan);
    const user = section === 'extensions' ? 'service.extensions does not list it' : 'no pipeline uses it';
    return [...defined[section].keys()]
      .filter((id) => !used.has(id))
      .map((id) => ({
        at: keyPositionOf(root, [section, id]),
        path: [section, id],
        message: `is defined, but ${user}: it does not start`,
      }));
  });
}

function findInsteads(root: MapNode, defined: Defined): Problem[] {
  const found: Problem[] = [];
  const look = (path: Path, schema: Parameters<typeof treatedOtherwise>[1]): void => {
    const node: Node | undefined = nodeAt(root, path);
    if (node === undefined) return;
    for (const one of treatedOtherwise(node, schema)) {
      const whole = [...path, ...one.path];
      found.push({ at: keyPositionOf(root, whole), path: whole, message: one.instead });
    }
  };
  for (const section of SECTION_NAMES) {
    for (const { id, type } of defined[section].values()) {
      if (type !== undefined) look([section, id], type.config);
    }
  }
  look(['service'], serviceSchema);
  return found;
}
