import type { ComponentType } from '../flow/component-type.ts';
import type { Defined, Section } from './defined.ts';
import type { LoadedPipeline } from './loaded-config.ts';
import { didYouMean } from './nearest.ts';
import { keyPositionOf, type MapNode, nodeAt, type Path, positionOf } from './node.ts';
import type { Problem } from './problem.ts';
import { splitList } from './schema-walk.ts';

type Signal = LoadedPipeline['signal'];
type Role = 'receivers' | 'processors' | 'exporters';

/** Where a pipeline looks for the components of a role. */
const SECTIONS_OF: Readonly<Record<Role, readonly Section[]>> = {
  receivers: ['receivers', 'connectors'],
  processors: ['processors'],
  exporters: ['exporters', 'connectors'],
};

/** The pipelines and the listed extensions, as far as they can be read: what else is wrong does not matter here. */
export interface Plan {
  readonly pipelines: readonly LoadedPipeline[];
  readonly extensions: readonly string[];
}

/** Checks how the pipelines are put together. */
export function checkPipelines(root: MapNode, defined: Defined, problems: Problem[]): Plan {
  const checker = new PipelineChecker(root, defined, problems);
  const path = ['service', 'pipelines'];
  const node = nodeAt(root, path);
  const ids = node?.kind === 'map' ? [...node.entries.keys()] : [];
  if (node?.kind === 'map' && ids.length === 0) {
    checker.report(path, 'found no pipeline, expected at least one');
  }
  const pipelines = ids.flatMap((id) => checker.pipeline(id));
  checker.connectors(pipelines);
  checker.cycles(pipelines);
  const extensions = namesAt(root, ['service', 'extensions']) ?? [];
  checker.extensions(extensions);
  return { pipelines, extensions };
}

/** A list of names; undefined when something else stands there (which the schema tells). */
function namesAt(root: MapNode, path: Path): string[] | undefined {
  const node = nodeAt(root, path);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  if (node.kind === 'scalar' && typeof node.value === 'string') return splitList(node.value);
  if (node.kind !== 'list') return undefined;
  return node.items.map((item) => (item.kind === 'scalar' ? String(item.value) : ''));
}

class PipelineChecker {
  readonly #root: MapNode;
  readonly #defined: Defined;
  readonly #problems: Problem[];

  constructor(root: MapNode, defined: Defined, problems: Problem[]) {
    this.#root = root;
    this.#defined = defined;
    this.#problems = problems;
  }

  report(path: Path, message: string): void {
    this.#problems.push({ at: positionOf(this.#root, path), path, message });
  }

  pipeline(id: string): LoadedPipeline[] {
    const path = ['service', 'pipelines', id];
    const signal = id.split('/')[0] as string;
    if ((signal !== 'traces' && signal !== 'metrics') || /^[^/]*\/\s*$/.test(id)) {
      const guess = didYouMean(signal, ['traces', 'metrics']);
      this.#problems.push({
        at: keyPositionOf(this.#root, path),
        path,
        message: `found "${id}", expected traces, traces/name, metrics or metrics/name${guess}`,
      });
      return [];
    }
    const members = (role: Role): string[] => this.#members([...path, role], role, signal);
    return [
      {
        id,
        signal,
        receivers: members('receivers'),
        processors: members('processors'),
        exporters: members('exporters'),
      },
    ];
  }

  #members(path: Path, role: Role, signal: Signal): string[] {
    const names = namesAt(this.#root, path);
    if (names?.length === 0 && role !== 'processors') {
      this.report(path, `found none, expected at least one of the ${role}`);
    }
    for (const [index, name] of names?.entries() ?? []) {
      const mistake =
        names?.indexOf(name) === index ? this.#mistake(role, name, signal) : `found "${name}" a second time`;
      if (mistake !== undefined) this.report([...path, index], mistake);
    }
    return names ?? [];
  }

  /** What is wrong with a component in this role of a pipeline of this signal. */
  #mistake(role: Role, name: string, signal: Signal): string | undefined {
    const sections = SECTIONS_OF[role];
    const owners = sections.filter((section) => this.#defined[section].has(name));
    const owner = owners[0];
    if (owner === undefined) {
      const names = sections.flatMap((section) => [...this.#defined[section].keys()]);
      const guess = didYouMean(name, names);
      return `found "${name}", expected one that is defined under ${sections.join(' or ')}${guess}`;
    }
    if (owners.length > 1) return `found "${name}", which is defined under ${owners.join(' and under ')}`;
    const type = this.#defined[owner].get(name)?.type;
    if (type === undefined) return undefined;
    const able = signalsOf(type, role);
    if (able.includes(signal)) return undefined;
    const what = type.kind === 'connector' ? `connector, as one of the ${role},` : type.kind;
    return (
      `found "${name}" in a ${signal} pipeline, expected it in a ${able.join(' or ')} pipeline: ` +
      `this ${what} has no ${signal}`
    );
  }

  /** A connector ends one pipeline and begins another. */
  connectors(pipelines: readonly LoadedPipeline[]): void {
    for (const id of this.#defined.connectors.keys()) {
      const from = pipelines.find((pipeline) => pipeline.exporters.includes(id));
      const to = pipelines.find((pipeline) => pipeline.receivers.includes(id));
      if ((from === undefined) === (to === undefined)) continue;
      const user = from ?? (to as LoadedPipeline);
      const role = from === undefined ? 'receivers' : 'exporters';
      const message =
        from === undefined
          ? `found "${id}" only here, expected the connector among the exporters of a traces pipeline too`
          : `found "${id}" only here, expected the connector among the receivers of a metrics pipeline too`;
      this.report(['service', 'pipelines', user.id, role, user[role].indexOf(id)], message);
    }
  }

  cycles(pipelines: readonly LoadedPipeline[]): void {
    const done = new Set<string>();
    const visit = (pipeline: LoadedPipeline, trail: readonly string[]): void => {
      if (trail.includes(pipeline.id)) {
        const loop = [...trail.slice(trail.indexOf(pipeline.id)), pipeline.id].join(' -> ');
        this.report(['service', 'pipelines', pipeline.id], `found the cycle ${loop}`);
        return;
      }
      if (done.has(pipeline.id)) return;
      for (const name of pipeline.exporters) {
        if (!this.#defined.connectors.has(name)) continue;
        for (const next of pipelines) {
          if (next.receivers.includes(name)) visit(next, [...trail, pipeline.id, name]);
        }
      }
      done.add(pipeline.id);
    };
    for (const pipeline of pipelines) visit(pipeline, []);
  }

  extensions(listed: readonly string[]): void {
    for (const [index, id] of listed.entries()) {
      const path = ['service', 'extensions', index];
      const names = this.#defined.extensions;
      if (listed.indexOf(id) < index) this.report(path, `found "${id}" a second time`);
      else if (!names.has(id)) {
        const guess = didYouMean(id, names.keys());
        this.report(path, `found "${id}", expected one that is defined under extensions${guess}`);
      }
    }
  }
}

/** Connectors take traces and give metrics; receivers and processors know traces. */
function signalsOf(type: ComponentType, role: Role): readonly Signal[] {
  if (type.kind === 'exporter') return type.signals;
  return type.kind === 'connector' && role === 'receivers' ? ['metrics'] : ['traces'];
}
