/**
 * Patterns of attribute keys as the collector's `glob` dimensions have them; '.' separates levels:
 * `*` anything within a level, `**` anything, `?` one character but '.', `[abc]`, `[a-z]` and `[!abc]` one of
 * these (or none of them), `{a,b}` one of these patterns, and `\` before a character that is meant as it is.
 */
export interface DimensionGlob {
  readonly pattern: string;
  matches(key: string): boolean;
}

/** Longer keys match no pattern: how long a match takes grows with the key, and keys are anybody's. */
export const MAX_KEY_LENGTH = 1024;

/** @throws Error that says what is wrong with the pattern. */
export function dimensionGlob(pattern: string): DimensionGlob {
  const expression = new RegExp(`^${new GlobParser(pattern).expression()}$`, 'su');
  return { pattern, matches: (key) => key.length <= MAX_KEY_LENGTH && expression.test(key) };
}

class GlobParser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
  }

  expression(): string {
    let out = '';
    while (this.#at < this.#characters.length) out += this.#term();
    // As in the collector, a list that is not closed ends with the pattern.
    return out + ')'.repeat(this.#depth);
  }

  #term(): string {
    const character = this.#characters[this.#at++] as string;
    switch (character) {
      case '*':
        return this.#star();
      case '?':
        return '[^.]';
      case '[':
        return this.#set();
      case '{':
        this.#depth++;
        return '(?:';
      case ',':
        return this.#depth > 0 ? '|' : ',';
      case '}':
        if (this.#depth === 0) return '\\}';
        this.#depth--;
        return ')';
      case '\\':
        return literal(this.#characters[this.#at++] ?? '');
      default:
        return literal(character);
    }
  }

  #star(): string {
    if (this.#characters[this.#at] !== '*') return '[^.]*';
    this.#at++;
    return '.*';
  }

  #set(): string {
    const isNot = this.#characters[this.#at] === '!';
    if (isNot) this.#at++;
    const members: string[] = [];
    for (;;) {
      const character = this.#characters[this.#at++];
      if (character === undefined) throw new Error('a [ is not closed');
      if (character === ']') break;
      members.push(character === '\\' ? (this.#characters[this.#at++] ?? '') : character);
    }
    const [low = '', dash, high = ''] = members;
    if (members.length === 0) throw new Error('there is nothing between [ and ]');
    if (dash !== '-') return `[${isNot ? '^' : ''}${members.map(literal).join('')}]`;
    if (members.length !== 3) throw new Error('[ and ] hold one range or a list of characters, not both');
    if (high < low) throw new Error(`${high} comes before ${low}`);
    return `[${isNot ? '^' : ''}${literal(low)}-${literal(high)}]`;
  }
}

/** Under the `u` flag only these may be escaped, and `-` only in a set. */
function literal(character: string): string {
  if (character === '-') return '\\x2d';
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
