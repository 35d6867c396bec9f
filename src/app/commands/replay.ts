import { fill } from '../replay/fill.ts';
import { REPLAY_ARGUMENTS, readReplayOptions } from '../replay/options.ts';
import { recompute } from '../replay/recompute.ts';
import { openSession } from '../replay/session.ts';
import { chooseTarget } from '../replay/target.ts';
import type { Command } from './command.ts';
import { withClickHouse } from './databases.ts';

const HELP = `spanweir replay - reads topics again and puts into ClickHouse what is missing there

Usage: spanweir replay --config FILE... [--set KEY=VALUE...] [options]

Compares the topics of a kafka receiver with what ClickHouse has of them, offset by offset, and reads and inserts
what is missing. Only what the receiver's group has finished is looked at: the rest is the running engine's. The
group's offsets are never touched, and the engine may go on meanwhile.

With --revision everything of whole days is formed again by today's configuration, beside the tables, and put in
their place day by day.

Options:
  --topic NAME       only this topic of the receiver
  --partition N      only this partition; may be given several times
  --from PLACE       where to begin: an offset, a time (2026-05-01, 2026-05-01T12:00:00Z) or how long ago (2h)
  --to PLACE         where to end; the record there is left out
  --receiver ID      the kafka receiver, where there are several
  --exporter ID      the clickhouse exporter, where there are several
  --dry-run          only print what is there, what is missing and what would be done
  --revision N       recompute the days from --from to --to; N is what this configuration's revision has to be,
                     or 'current' for whatever it is
  -y, --yes          do not ask

Exit codes: 0 all is there now, 1 something can not be put in (the table says what and why), 2 wrong command
line, 3 wrong configuration, 130 stopped before the end
`;

export const replayCommand: Command = {
  name: 'replay',
  summary: 'read topics again and put into ClickHouse what is missing there; --revision recomputes days',
  help: HELP,
  options: REPLAY_ARGUMENTS,
  run: async (given, config, io, stop) => {
    const options = readReplayOptions(given, io.clock.wallMs());
    const target = chooseTarget(config, options);
    const query = { maxConnections: 4, timeoutMs: 600_000, log: io.log };
    return withClickHouse(config, target.exporter, query, async (client) => {
      const session = await openSession(target, client, io, stop);
      return options.revision === undefined ? fill(session, options) : recompute(session, options);
    });
  },
};
