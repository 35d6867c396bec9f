import { z } from 'zod';

export const nopExporterConfig = z.strictObject({});

export type NopExporterConfig = z.output<typeof nopExporterConfig>;
