/** Between half of `duration` and all of it, so that many processes don't do one thing at one time. */
export function jittered(duration: number, random: () => number): number {
  const half = Math.floor(duration / 2);
  return half <= 0 ? duration : half + Math.floor(random() * half);
}
