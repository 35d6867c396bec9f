import { pino } from 'pino';
import type { Log } from '../base/instruments.ts';

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly encoding: 'json' | 'console';
}

const SECRETS = ['password', 'secret', 'token', 'authorization', 'sasl', 'credentials'];

/** Deep enough for `{config: {auth: {sasl: {password}}}}`. */
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

/** A log whose children say who speaks. */
export interface RootLog extends Log {
  /** `fields` stand on every line: `{component, lane}`. */
  child(fields: object): Log;
}

/**
 * One per thread. Writes synchronously to stderr, so that the last lines before a crash are there; a line
 * is one write, so lines of several threads do not mix.
 */
export function createLog(settings: LogSettings, fd = 2): RootLog {
  const destination = pino.destination({ fd, sync: true });
  const stream = settings.encoding === 'json' ? destination : asConsole((text) => destination.write(text));
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
      redact: { paths: REDACTED, censor: '[redacted]' },
      messageKey: 'message',
    },
    stream,
  );
  return {
    ...speaking(logger),
    child: (fields) => speaking(logger.child(fields)),
  };
}

type Speaker = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;

function speaking(logger: Speaker): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

interface Line {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly component?: string;
}

/** `time level component: message {the rest}`, for people. */
function asConsole(write: (text: string) => void): { write(line: string): void } {
  return {
    write(text) {
      const { time, level, component, message, ...rest } = JSON.parse(text) as Line;
      const fields = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
      const who = component === undefined ? '' : ` ${component}:`;
      write(`${time} ${level.padEnd(5)}${who} ${message}${fields}\n`);
    },
  };
}
