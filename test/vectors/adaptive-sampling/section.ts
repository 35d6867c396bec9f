import { test } from 'vitest';

/** JSON of a vectors file: its shape is that of the file, checked by what the runners find in it. */
// biome-ignore lint/suspicious/noExplicitAny: golden data of many shapes.
export type Json = any;

/** Registers the tests of one section. */
export type Runner = (section: Json) => void;

/** A section is one case, a list of cases, or has its cases in `cases`. */
export function casesOf(section: Json): Json[] {
  if (Array.isArray(section)) return section as Json[];
  return Array.isArray(section.cases) ? (section.cases as Json[]) : [section];
}

/** What a case says about itself, for the name of its test. */
export function titleOf(each: Json, index: number): string {
  const words: unknown[] = ['name', 'case', 'why', 'span', 'request', 'in'].flatMap((key) => each[key] ?? []);
  return `${index + 1} ${words.map((word) => JSON.stringify(word)).join(' ')}`.trim();
}

/** The property that a prose description stands for; an unknown description is an error, never a skip. */
export function known<T>(table: Readonly<Record<string, T>>, description: string): T {
  const found = table[description];
  if (found === undefined) throw new Error(`no test is written for the case "${description}"`);
  return found;
}

/** A test per case. */
export function eachCase(run: (each: Json, section: Json) => unknown): Runner {
  return (section) => {
    casesOf(section).forEach((each, i) => {
      test(titleOf(each, i), async () => {
        await run(each, section);
      });
    });
  };
}
