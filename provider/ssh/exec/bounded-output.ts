/** A stream of a host's output, of which only the beginning and the end are kept. */
export interface BoundedOutput {
  /** Adds a chunk. */
  readonly push: (chunk: Buffer) => void;
  /** The kept output, with a note in between about the bytes that were left out. */
  readonly kept: () => Buffer;
}

/** Keeps `head` bytes of the beginning and at least `tail` of the end. */
export function boundedOutput(head: number, tail: number): BoundedOutput {
  const first: Buffer[] = [];
  const last: Buffer[] = [];
  let firstBytes = 0;
  let lastBytes = 0;
  let left = 0;
  return {
    push: (chunk) => {
      const fits = chunk.subarray(0, head - firstBytes);
      if (fits.length > 0) first.push(fits);
      firstBytes += fits.length;
      const rest = chunk.subarray(fits.length);
      if (rest.length === 0) return;
      last.push(rest);
      lastBytes += rest.length;
      while (lastBytes - (last[0]?.length ?? 0) >= tail) {
        const gone = last.shift()?.length ?? 0;
        lastBytes -= gone;
        left += gone;
      }
    },
    kept: () =>
      Buffer.concat([...first, ...(left > 0 ? [Buffer.from(`\n[${left} bytes left out]\n`)] : []), ...last]),
  };
}
