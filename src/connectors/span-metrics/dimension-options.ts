import { z } from 'zod';
import { type DimensionGlob, dimensionGlob } from '../../red/dimension-glob.ts';
import { DEFAULT_DIMENSIONS } from '../../red/red-description.ts';

export const COLLECTOR_INSTANCE_ID = 'collector.instance.id';

const dimension = z
  .strictObject({
    name: z.string().optional().describe('key of a span or resource attribute'),
    default: z.string().optional().describe('value where neither has it; without one the label is left out'),
    glob: z
      .string()
      .optional()
      .describe(
        "instead of a name: a pattern of keys, each of which becomes a label of its own. '.' separates levels, " +
          '`*` stands for anything within one, `**` for anything; also `?`, `[a-z]`, `[!a-z]` and `{a,b}`',
      ),
  })
  .superRefine(({ name = '', glob = '', default: value }, context) => {
    const problem = (message: string, ...path: string[]): void =>
      context.addIssue({ code: 'custom', message, path });
    if (name !== '' && glob !== '') {
      problem(`a dimension must set only one of name and glob, found both: "${name}" and "${glob}"`);
    } else if (name === '' && glob === '') problem('a dimension must set one of name and glob');
    if (glob === '') return;
    if (value !== undefined) problem(`a default is not possible for the glob "${glob}"`, 'default');
    const { error } = compiled(glob);
    if (error !== undefined) problem(`invalid glob "${glob}": ${error}`, 'glob');
  });

export type DimensionOption = z.output<typeof dimension>;

interface ListContext {
  addIssue(issue: { code: 'custom'; message: string; path: (string | number)[] }): void;
}

/** Names that come twice or are there anyway, and patterns that would match a name. */
export function checkDimensions(
  list: readonly DimensionOption[],
  context: ListContext,
  ...at: string[]
): void {
  const names = new Set<string>([...DEFAULT_DIMENSIONS, COLLECTOR_INSTANCE_ID]);
  list.forEach(({ name = '' }, i) => {
    if (name === '') return;
    if (names.has(name)) {
      const message = `duplicate dimension name "${name}"`;
      context.addIssue({ code: 'custom', message, path: [...at, i, 'name'] });
    }
    names.add(name);
  });
  list.forEach(({ glob = '' }, i) => {
    const matcher = glob === '' ? undefined : compiled(glob).glob;
    const name = matcher === undefined ? undefined : [...names].find((one) => matcher.matches(one));
    if (name === undefined) return;
    const message = `duplicate dimension name "${name}" conflicting with glob "${glob}"`;
    context.addIssue({ code: 'custom', message, path: [...at, i, 'glob'] });
  });
}

function compiled(pattern: string): { glob?: DimensionGlob; error?: string } {
  try {
    return { glob: dimensionGlob(pattern) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Not checked as a list: see `checkDimensions`. */
export const dimensionList = z.array(dimension).default([]);

export const dimensions = z
  .array(dimension)
  .default([])
  .superRefine((list, context) => checkDimensions(list, context));
