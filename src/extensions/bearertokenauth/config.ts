import { z } from 'zod';
import { duration } from '../../base/schema.ts';

const fileRetry = z
  .strictObject({
    enabled: z.boolean().default(false).describe('wait for a file that is not there yet'),
    max_retries: z.int().min(0).default(5).describe('how often'),
    retry_interval: duration('1s').describe('how long in between'),
  })
  .describe('at the start, when the file can not be read');

export const bearerTokenAuthConfig = z
  .strictObject({
    scheme: z.string().default('Bearer').describe('what comes before the token; empty for nothing'),
    header: z.string().min(1).default('Authorization').describe('the header that carries it'),
    token: z.string().default('').describe('the token; ${env:NAME} keeps it out of the file'),
    tokens: z.array(z.string().min(1)).default([]).describe('several, each of which lets in'),
    filename: z
      .string()
      .default('')
      .describe('a file with a token a line, read again when it changes; token and tokens do not count then'),
    file_retry: fileRetry.prefault({}),
  })
  .superRefine(({ token, tokens, filename }, context) => {
    if (token !== '' || tokens.length > 0 || filename !== '') return;
    context.addIssue({ code: 'custom', message: 'no bearer token provided' });
  })
  .describe('lets in who brings a token, and brings it to others');

export type BearerTokenAuthConfig = z.output<typeof bearerTokenAuthConfig>;
