/** Words that were probably meant. Pure. */

/**
 * `did you mean addresses?`, if one of the words is near to what was given.
 *
 * @param otherwise what to say if none is
 */
export function didYouMean(given: string, words: readonly string[], otherwise: string): string {
  const near = nearestWord(given, words);
  return near === undefined ? otherwise : `did you mean ${near}?`;
}

/** The word with the fewest typing errors, of which a short word may have fewer; letters' case is none. */
export function nearestWord(given: string, words: readonly string[]): string | undefined {
  const limit = Math.min(2, Math.floor(given.length / 3));
  const [best] = words
    .map((word) => ({ word, errors: typingErrors(given.toLowerCase(), word.toLowerCase(), limit) }))
    .filter(({ errors }) => errors <= limit)
    .toSorted((a, b) => a.errors - b.errors);
  return best?.word;
}

/** How many letters are wrong, missing, too many or exchanged; more than the limit if it is more. */
function typingErrors(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const at = (cells: readonly number[] | undefined, k: number): number => cells?.[k] ?? Infinity;
      const isExchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        isExchanged && i > 1 && j > 1 ? at(before, j - 2) + 1 : Infinity,
      );
    }
    [before, last] = [last, row];
  }
  return last?.[b.length] ?? Infinity;
}
