import { formatDuration } from '../base/duration.ts';
import type { Plan } from './check-pipelines.ts';
import type { Defined } from './defined.ts';
import { didYouMean } from './nearest.ts';
import { type MapNode, nodeAt, type Path, positionOf } from './node.ts';
import { formatPath, type Problem } from './problem.ts';

/**
 * What `adaptive_sampling` and `remote_sampling` need of each other. The processor uses the first extension
 * of that type, as in Jaeger, and the texts of the first two are Jaeger's, so that a search finds them.
 */
export function checkSampling(
  root: MapNode,
  defined: Defined,
  { pipelines, extensions }: Plan,
  problems: Problem[],
): void {
  const report = (path: Path, message: string): void => {
    problems.push({ at: positionOf(root, path), path, message });
  };
  const remotes = extensions.filter((id) => defined.extensions.get(id)?.type?.type === 'remote_sampling');
  const counting = pipelines.flatMap((pipeline) =>
    pipeline.processors
      .map((id, index) => ({ pipeline, id, index, type: defined.processors.get(id)?.type?.type }))
      .filter(({ type }) => type === 'adaptive_sampling'),
  );
  for (const { pipeline, index } of counting) {
    const path = ['service', 'pipelines', pipeline.id, 'processors', index];
    const remote = remotes[0];
    if (remote === undefined) {
      report(path, "cannot find extension 'remote_sampling' (make sure it's defined earlier in the config)");
    } else if (nodeAt(root, ['extensions', remote, 'adaptive']) === undefined) {
      report(path, `extension '${remote}' is not configured for adaptive sampling`);
    }
  }
  checkSingle(pipelines, counting, report);
  for (const remote of remotes) {
    for (const processor of new Set(counting.map(({ id }) => id))) {
      checkWindows(root, defined, { processor, remote }, report);
    }
    const path = ['extensions', remote, 'adaptive', 'sampling_store'];
    const node = nodeAt(root, path);
    if (node?.kind !== 'scalar' || typeof node.value !== 'string') continue;
    const store = node.value;
    if (store === '' || store === 'memory') continue;
    if (!defined.exporters.has(store)) {
      const guess = didYouMean(store, defined.exporters.keys());
      report(path, `found "${store}", expected one that is defined under exporters${guess}`);
      continue;
    }
    const needed = counting.length > 0 ? counting.map(({ pipeline }) => pipeline) : [];
    for (const pipeline of needed.filter((one) => !one.exporters.includes(store))) {
      const list = `service.pipelines.${pipeline.id}.exporters`;
      report(path, `found "${store}", expected it in ${list} too: there adaptive_sampling counts`);
    }
    if (needed.length === 0 && !pipelines.some((pipeline) => pipeline.exporters.includes(store))) {
      report(path, `found "${store}", expected it among the exporters of a pipeline: else it does not start`);
    }
  }
}

/** A root that two processors saw would be counted twice. */
function checkSingle(
  pipelines: Plan['pipelines'],
  counting: readonly {
    readonly pipeline: Plan['pipelines'][number];
    readonly id: string;
    readonly index: number;
  }[],
  report: (path: Path, message: string) => void,
): void {
  const receivers = new Set(pipelines.flatMap((pipeline) => pipeline.receivers));
  const reported = new Set<string>();
  for (const receiver of receivers) {
    const own = counting.filter(({ pipeline }) => pipeline.receivers.includes(receiver));
    const first = own[0];
    for (const { pipeline, id, index } of own) {
      const path = ['service', 'pipelines', pipeline.id, 'processors', index];
      if (first === undefined || id === first.id || reported.has(formatPath(path))) continue;
      reported.add(formatPath(path));
      report(path, `found "${id}", expected "${first.id}", which counts the spans of "${receiver}" already`);
    }
  }
}

/** Windows are what the two agree by: throughput that is counted in others is read twice, or not at all. */
function checkWindows(
  root: MapNode,
  defined: Defined,
  { processor, remote }: { readonly processor: string; readonly remote: string },
  report: (path: Path, message: string) => void,
): void {
  const counting = defined.processors.get(processor)?.config as { window?: number } | undefined;
  const reading = defined.extensions.get(remote)?.config as { adaptive?: { window?: number } } | undefined;
  const counted = counting?.window;
  const read = reading?.adaptive?.window;
  if (counted === undefined || read === undefined || counted === read) return;
  const ofProcessor = ['processors', processor, 'window'];
  const ofRemote = ['extensions', remote, 'adaptive', 'window'];
  // At the one that somebody wrote: the other may be a default.
  const isWritten = nodeAt(root, ofProcessor) !== undefined;
  const [found, expected] = isWritten ? [counted, read] : [read, counted];
  const other = formatPath(isWritten ? ofRemote : ofProcessor);
  report(
    isWritten ? ofProcessor : ofRemote,
    `found ${formatDuration(found)}, expected ${formatDuration(expected)}, as ${other} is`,
  );
}
