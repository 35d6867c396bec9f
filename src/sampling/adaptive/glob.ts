/** A test for a whole name: `*` stands for any characters, `?` for one, everything else for itself. */
export function globMatcher(glob: string): (name: string) => boolean {
  if (!/[*?]/.test(glob)) return (name) => name === glob;
  if (/^\*+$/.test(glob)) return () => true;
  // Runs of stars are one star: several in a row would make the expression try every way to share out a name.
  const source = glob
    .replaceAll(/\*+/g, '*')
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 'su');
  return (name) => expression.test(name);
}
