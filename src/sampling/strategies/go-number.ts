/** A number as Go's %v prints it: from 1e21 up and below 1e-4 with an exponent of two digits or more. */
export function goNumber(x: number): string {
  const size = Math.abs(x);
  if (size === 0 || (size >= 1e-4 && size < 1e21)) return String(x);
  return x.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}
