const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const EMAIL = /[^\s/@]@[^\s/@]+\.[a-z]/i;
const IP = /(?:^|[^\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:$|[^\d.])/;
/** A whole segment of a path, or the value of a parameter. */
const NUMBER_IN_PLACE_OF_A_WORD = /(?:\/|= ?)\d+(?=$|[/?&;,:#\s)])/;
const LONG_NUMBER = /(?:^|[^a-z0-9])\d{3,}(?=$|[^a-z0-9])/i;
const WORDS = /[a-z0-9]{8,}/gi;

/** Names longer than this hold more than a name: statements, whole URLs. */
const MAX_NAME = 256;

/**
 * Whether a span's name has ids, UUIDs or numbers in it, so that there may be one for each user, order or day.
 * Up to two digits outside a path are let be: they make a hundred names at most.
 */
export function holdsId(name: string): boolean {
  if (name.length > MAX_NAME) return true;
  if (!/\d|@/.test(name)) return false;
  if (UUID.test(name) || EMAIL.test(name) || IP.test(name)) return true;
  if (NUMBER_IN_PLACE_OF_A_WORD.test(name) || LONG_NUMBER.test(name)) return true;
  for (const [word] of name.matchAll(WORDS)) if (isRandom(word)) return true;
  return false;
}

const PARTS: readonly (readonly [RegExp, string])[] = [
  [new RegExp(UUID, 'gi'), '{id}'],
  [/[^\s/@=]+@[^\s/@]+\.[a-z]+/gi, '{email}'],
  [/(^|[^\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?=$|[^\d.])/g, '$1{ip}'],
  [/(\/|= ?)\d+(?=$|[/?&;,:#\s)])/g, '$1{id}'],
  [/(^|[^a-z0-9])\d{3,}(?=$|[^a-z0-9])/gi, '$1{id}'],
];

/** The name with what `holdsId` finds in it replaced by {id}, {email} or {ip}; a name without such as it is. */
export function templateOf(name: string): string {
  if (!holdsId(name)) return name;
  let template = name.slice(0, MAX_NAME);
  for (const [part, word] of PARTS) template = template.replace(part, word);
  return template.replace(WORDS, (word) => (isRandom(word) ? '{id}' : word));
}

/** Hex digits, or letters and digits that change places too often for a word with a number. */
function isRandom(word: string): boolean {
  if (!/\d/.test(word)) return false;
  if (/^(?:[0-9a-f]+|[0-9A-F]+)$/.test(word)) return true;
  return word.length >= 12 && (word.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0) >= 4;
}
