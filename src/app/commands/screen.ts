/** A whole terminal, for a command that shows one picture after another. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Replaces what is shown. Lines that are too long or too many are cut. */
  show(lines: readonly string[]): void;
  /** Each key as it is pressed; Ctrl-C comes as '\x03'. */
  onKey(listener: (key: string) => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** The parts of a terminal's streams that are needed; process.stdin and process.stdout are such. */
export interface TerminalInput {
  setRawMode(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  off(event: 'data', listener: (data: Buffer) => void): unknown;
}

export interface TerminalOutput {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const OPEN = '\x1b[?1049h\x1b[?25l';
const CLOSE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const TO_END_OF_LINE = '\x1b[K';
const TO_END = '\x1b[J';

export function openScreen(input: TerminalInput, output: TerminalOutput): Screen {
  const listeners: ((key: string) => void)[] = [];
  const heard = (data: Buffer): void => {
    for (const key of data.toString('utf8')) for (const listener of listeners) listener(key);
  };
  input.setRawMode(true);
  input.on('data', heard);
  input.resume();
  output.write(OPEN);
  const width = (): number => output.columns ?? 80;
  const height = (): number => output.rows ?? 24;
  return {
    get columns() {
      return width();
    },
    get rows() {
      return height();
    },
    show: (lines) => {
      const shown = lines.slice(0, height()).map((line) => Array.from(line).slice(0, width()).join(''));
      output.write(HOME + shown.map((line) => line + TO_END_OF_LINE).join('\r\n') + TO_END);
    },
    onKey: (listener) => void listeners.push(listener),
    close: () => {
      input.off('data', heard);
      input.setRawMode(false);
      input.pause();
      output.write(CLOSE);
    },
  };
}
