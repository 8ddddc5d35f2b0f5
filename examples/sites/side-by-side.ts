/** Work on many sites at a time, and lines that say of which of them they are. */

/** Does the work for each item, at most `width` at a time. An item that fails is for the work itself to tell. */
export async function sideBySide<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** Takes what a CLI prints, in pieces of any size, and prints it line by line with a name in front. */
export function linePrinter(name: string): { print(piece: string): void; end(): void } {
  let rest = "";
  const line = (text: string): void => void process.stdout.write(`${name} | ${text}\n`);
  return {
    print(piece) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) if (text.trim() !== "") line(text);
    },
    end() {
      if (rest.trim() !== "") line(rest);
      rest = "";
    },
  };
}
