/** Something per (service, operation). */
export type ByOperation<T> = ReadonlyMap<string, ReadonlyMap<string, T>>;

export type MutableByOperation<T> = Map<string, Map<string, T>>;

export function getOperation<T>(map: ByOperation<T>, service: string, operation: string): T | undefined {
  return map.get(service)?.get(operation);
}

export function setOperation<T>(
  map: MutableByOperation<T>,
  service: string,
  operation: string,
  value: T,
): void {
  const operations = map.get(service);
  if (operations === undefined) map.set(service, new Map([[operation, value]]));
  else operations.set(operation, value);
}

/** In the order of code units, which every process agrees on. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
