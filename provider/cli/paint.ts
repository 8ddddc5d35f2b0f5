/** Colours, only on a terminal, and never if NO_COLOR is set (no-color.org). */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Colour = keyof typeof CODES;

/** Colours a text, or returns it unchanged. */
export type Paint = (colour: Colour, text: string) => string;

/** Leaves every text as it is. */
export const plain: Paint = (_colour, text) => text;

/** Whether a stream supports colours. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const wanted = stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return wanted ? (colour, text) => (text === "" ? "" : `\u001b[${CODES[colour]}m${text}\u001b[0m`) : plain;
}
