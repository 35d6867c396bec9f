import type { Plan } from './check-pipelines.ts';
import { type Defined, SECTION_NAMES } from './defined.ts';
import { didYouMean } from './nearest.ts';
import { type MapNode, type Node, nodeAt, type Path, positionOf } from './node.ts';
import type { Problem } from './problem.ts';

const AUTHENTICATORS: readonly string[] = ['basicauth', 'bearertokenauth'];

/** Every `auth: {authenticator: NAME}` names an extension that authenticates and that runs. */
export function checkAuth(root: MapNode, defined: Defined, plan: Plan, problems: Problem[]): void {
  const report = (path: Path, message: string): void => {
    problems.push({ at: positionOf(root, path), path, message });
  };
  for (const path of SECTION_NAMES.flatMap((section) =>
    authenticatorsUnder(nodeAt(root, [section]), [section]),
  )) {
    const node = nodeAt(root, path);
    if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') continue;
    const name = node.value;
    const extension = defined.extensions.get(name);
    if (extension === undefined) {
      const guess = didYouMean(name, defined.extensions.keys());
      report(path, `found "${name}", expected one that is defined under extensions${guess}`);
    } else if (extension.type !== undefined && !AUTHENTICATORS.includes(extension.type.type)) {
      report(path, `found "${name}", expected an extension that authenticates: ${AUTHENTICATORS.join(', ')}`);
    } else if (!plan.extensions.includes(name)) {
      report(path, `found "${name}", expected it in service.extensions too: else it does not start`);
    }
  }
}

function authenticatorsUnder(node: Node | undefined, path: Path): Path[] {
  if (node?.kind !== 'map') return [];
  return [...node.entries].flatMap(([key, { value }]) => {
    const here = [...path, key];
    const isBlock = key === 'auth' && value.kind === 'map' && value.entries.has('authenticator');
    return isBlock ? [[...here, 'authenticator']] : authenticatorsUnder(value, here);
  });
}
