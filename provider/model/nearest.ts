/** Words that were probably meant. Pure. */
import { distance } from "fastest-levenshtein";

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
    .filter((word) => Math.abs(word.length - given.length) <= limit)
    .map((word) => ({ word, errors: distance(given.toLowerCase(), word.toLowerCase()) }))
    .filter(({ errors }) => errors <= limit)
    .toSorted((a, b) => a.errors - b.errors);
  return best?.word;
}
