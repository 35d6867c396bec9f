import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Json } from './adaptive-sampling/section.ts';

/**
 * The cases in the folder VECTORS_DIR, else in the project's shared folder beside the checkout, else those that are
 * kept here: a clone alone is enough. Throws when a folder was named that has no such file.
 */
export function readVectors(name: string): Json {
  const beside = fileURLToPath(new URL('../../../shared/vectors', import.meta.url));
  const own = fileURLToPath(new URL('./cases', import.meta.url));
  const dir = process.env.VECTORS_DIR ?? (existsSync(join(beside, name)) ? beside : own);
  const file = join(dir, name);
  if (!existsSync(file)) throw new Error(`${file} is not there: VECTORS_DIR is to be a folder that holds it`);
  return JSON.parse(readFileSync(file, 'utf8')) as Json;
}
