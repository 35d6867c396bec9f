import { z } from 'zod';

const htpasswd = z
  .strictObject({
    file: z.string().default('').describe('a file as htpasswd writes it, read again when it changes'),
    inline: z.string().default('').describe('the same as text; of two lines for one user this one counts'),
  })
  .refine(({ file, inline }) => file !== '' || inline !== '', { error: 'no credential source provided' })
  .describe('who is let in: user:password lines, hashed with bcrypt, SHA, MD5 or crypt, or plain');

const clientAuth = z
  .strictObject({
    username: z.string().default('').describe('user'),
    username_file: z.string().default('').describe('a file with the user, which counts more'),
    password: z.string().default('').describe('password'),
    password_file: z.string().default('').describe('a file with the password, which counts more'),
  })
  .describe('what is brought to other servers');

export const basicAuthConfig = z
  .strictObject({
    htpasswd: htpasswd.optional(),
    client_auth: clientAuth.optional(),
  })
  .superRefine(({ htpasswd: isServer, client_auth: isClient }, context) => {
    if (isServer === undefined && isClient === undefined) {
      context.addIssue({ code: 'custom', message: 'no credential source provided' });
    } else if (isServer !== undefined && isClient !== undefined) {
      const message = 'only one of `htpasswd` and `client_auth` can be specified';
      context.addIssue({ code: 'custom', message });
    }
  })
  .describe('lets in who brings a name and a password, or brings them to others');

export type BasicAuthConfig = z.output<typeof basicAuthConfig>;
