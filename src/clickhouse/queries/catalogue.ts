import { readdirSync, readFileSync } from 'node:fs';
import { type NamedQuery, parseQuery } from './query-file.ts';

/** The folder sql/queries/ of the installation; source and build lie equally deep. */
const QUERIES_FOLDER = new URL('../../../sql/queries/', import.meta.url);

/** Every named query by its name, in the order of the names. @throws SpanweirError (START) for a bad file */
export function readQueries(folder: URL = QUERIES_FOLDER): ReadonlyMap<string, NamedQuery> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  return new Map(
    files.sort().map((file) => {
      const name = file.slice(0, -'.sql'.length);
      return [name, parseQuery(name, readFileSync(new URL(file, folder), 'utf8'))];
    }),
  );
}
