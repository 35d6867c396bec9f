import { formatGo, formatOpenMetrics } from './go-number.ts';

/** How a number is written: as Prometheus does, as OpenMetrics has whole counts, or as it has floats. */
export type NumberStyle = 'go' | 'open count' | 'open float';

/** The text of the number that was written last. */
export class NumberText {
  readonly bytes = new Uint8Array(32);
  length = 0;

  write(value: number, style: NumberStyle): void {
    if (style === 'open float') this.#ascii(formatOpenMetrics(value));
    else if (value >= 0 && value < 1e6 && value === (value | 0) && !Object.is(value, -0)) this.#digits(value);
    else if (style === 'open count' && Number.isInteger(value) && value >= 1e6 && value < 1e21) {
      this.#ascii(String(value));
    } else this.#ascii(formatGo(value));
  }

  #digits(value: number): void {
    const { bytes } = this;
    let length = 1;
    for (let limit = 10; value >= limit; limit *= 10) length++;
    this.length = length;
    let rest = value;
    for (let at = length - 1; at >= 0; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = 48 + rest - next * 10;
      rest = next;
    }
  }

  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes[i] = text.charCodeAt(i);
    this.length = text.length;
  }
}
