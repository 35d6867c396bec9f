import type { Path, Position } from './node.ts';

/** One thing that is wrong with (or worth knowing about) a configuration. */
export interface Problem {
  readonly at: Position;
  readonly path: Path;
  readonly message: string;
  /** A whole source is missing or unreadable: what is said about the rest would only mislead. */
  readonly fatal?: boolean;
}

/** `file:line:column: path: message`. */
export function formatProblem(problem: Problem): string {
  const { source, line, column } = problem.at;
  const place = line === 0 ? source : `${source}:${line}:${column}`;
  return problem.path.length === 0
    ? `${place}: ${problem.message}`
    : `${place}: ${formatPath(problem.path)}: ${problem.message}`;
}

/** `receivers.kafka.traces.topics[0]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** In the order in which a reader of the files meets them; the same one only once. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  const sources = [...new Set(problems.map((problem) => problem.at.source))];
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...unique.values()].sort(
    (a, b) =>
      sources.indexOf(a.at.source) - sources.indexOf(b.at.source) ||
      a.at.line - b.at.line ||
      a.at.column - b.at.column,
  );
}
