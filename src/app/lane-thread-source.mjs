// Ingest threads started from source: a worker does not inherit the loader that reads TypeScript.
import { register } from 'tsx/esm/api';

register();
await import('./lane-thread.ts');
