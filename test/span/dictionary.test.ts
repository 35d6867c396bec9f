import { describe, expect, it } from 'vitest';
import { Dictionary, OVERFLOW_WORD } from '../../src/span/dictionary.ts';
import { Interner } from '../../src/span/interner.ts';

const identity = (service: string | null, namespace = '', instance = '') => ({
  service,
  namespace,
  instance,
});

describe('Dictionary', () => {
  it('keeps identity 0 for resources without service.name', () => {
    const dictionary = new Dictionary();
    expect(dictionary.identityOf(identity(null, 'shop', 'i1'))).toBe(0);
    expect(dictionary.identities[0]).toEqual({ service: null, namespace: '', instance: '' });
  });

  it('tells an empty service.name from none', () => {
    const dictionary = new Dictionary();
    expect(dictionary.identityOf(identity(''))).toBe(1);
    expect(dictionary.identities[1]?.service).toBe('');
  });

  it('gives the same identity the same id and every other one its own', () => {
    const dictionary = new Dictionary();
    const ids = [
      dictionary.identityOf(identity('a', 'n', 'i')),
      dictionary.identityOf(identity('a', 'n', 'j')),
      dictionary.identityOf(identity('a', 'm', 'i')),
      dictionary.identityOf(identity('b', 'n', 'i')),
      dictionary.identityOf(identity('a', 'n', 'i')),
    ];
    expect(ids).toEqual([1, 2, 3, 4, 1]);
    expect(dictionary.identityService).toEqual([0, 2, 2, 2, 3]);
    expect(dictionary.services.words.slice(2)).toEqual(['a', 'b']);
  });

  it('is not confused by what the names contain', () => {
    const dictionary = new Dictionary();
    const ids = new Set([
      dictionary.identityOf(identity('a\u0000b', 'c')),
      dictionary.identityOf(identity('a', 'b\u0000c')),
      dictionary.identityOf(identity('ab', 'c')),
      dictionary.identityOf(identity('a', 'bc')),
      dictionary.identityOf(identity('a', '', 'bc')),
    ]);
    expect(ids.size).toBe(5);
  });

  it('keeps the service when there are too many identities', () => {
    const dictionary = new Dictionary({ identities: 3 });
    dictionary.identityOf(identity('a', 'n', '1'));
    dictionary.identityOf(identity('a', 'n', '2'));
    const overflow = dictionary.identityOf(identity('a', 'n', '3'));
    expect(dictionary.identities[overflow]).toEqual({ service: 'a', namespace: '', instance: OVERFLOW_WORD });
    expect(dictionary.identityService[overflow]).toBe(dictionary.identityService[1]);
    expect(dictionary.identityOf(identity('a', 'm', '4'))).toBe(overflow);
    expect(dictionary.identityOf(identity('b', 'n', '1'))).not.toBe(overflow);
    expect(dictionary.identityOf(identity('a', 'n', '1'))).toBe(1);
    expect(dictionary.identitiesOverflowed).toBe(3);
  });

  it('has one identity for everything when even services are too many', () => {
    const dictionary = new Dictionary({ identities: 2, services: 3 });
    dictionary.identityOf(identity('a'));
    const first = dictionary.identityOf(identity('b'));
    expect(dictionary.identities[first]).toEqual({
      service: OVERFLOW_WORD,
      namespace: '',
      instance: OVERFLOW_WORD,
    });
    expect(dictionary.identityService[first]).toBe(Interner.OVERFLOW);
    expect(dictionary.identityOf(identity('c'))).toBe(first);
    expect(dictionary.identities.length).toBe(3);
  });

  it('does not let long names take all memory', () => {
    const dictionary = new Dictionary({ identities: 4 });
    dictionary.identityOf(identity('a', '', 'x'.repeat(1000)));
    const id = dictionary.identityOf(identity('a', '', 'y'.repeat(1000)));
    expect(dictionary.identities[id]?.instance).toBe(OVERFLOW_WORD);
  });
});
