import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boardFiles } from './source/boards.ts';

/** `npm run grafana`: writes the dashboards as Grafana reads them. */
const folder = join(import.meta.dirname, 'dashboards');
const files = boardFiles();
for (const name of readdirSync(folder))
  if (name.endsWith('.json') && !files.has(name)) rmSync(join(folder, name));
for (const [name, text] of files) writeFileSync(join(folder, name), text);
