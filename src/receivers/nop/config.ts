import { z } from 'zod';

export const nopReceiverConfig = z.strictObject({});

export type NopReceiverConfig = z.output<typeof nopReceiverConfig>;
