import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in this thread's heap that something refers to. */
export function heapInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
