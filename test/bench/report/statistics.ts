/** Medians and spreads. Pure. */

/** The middle of some measurements, and how far they were apart. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** The middle value, or the mean of the two in the middle. @throws if there is none */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error("there is no median of nothing");
  return (low + high) / 2;
}

/** Undefined if nothing was measured. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    count: values.length,
  };
}

/** A number in three digits, as far as that makes sense: `0.21`, `4.88`, `35.6`, `357`. */
export function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** `4.88 (4.7–5.1)`; the value alone if it was measured once. */
export function describeSpread({ median: middle, least, most, count }: Spread): string {
  const range = count > 1 ? ` (${threeDigits(least)}–${threeDigits(most)})` : "";
  return threeDigits(middle) + range;
}

/** `1.5 kB`, `2.3 MB`; powers of ten. */
export function describeBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return bytes < 1e6 ? `${threeDigits(bytes / 1e3)} kB` : `${threeDigits(bytes / 1e6)} MB`;
}
