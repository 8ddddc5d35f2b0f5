/** Changes of a text that was JSON, or nearly: what programs, people and attackers may make of it. */
import fc from "fast-check";

/** What breaks readers of JSON, names that objects have by themselves, and numbers that are none. */
const FRAGMENTS: readonly string[] = [
  ...[
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "'",
    "\n",
    "\u0000",
    "\u001b",
    "\u2028",
    "\uFFFE",
    "\uD800",
    "\\u00",
    "\\'",
  ],
  ...[
    "null",
    "true",
    "{}",
    "[]",
    '""',
    "-",
    "0",
    "-1",
    "1e400",
    "-1e-400",
    "99999999999999999999",
    "0x10",
    "NaN",
  ],
  ...[
    '"constructor"',
    '"__proto__"',
    '"toString"',
    '{"toString":1,"valueOf":1}',
    '"hasOwnProperty":1,',
    '"ifname":"eth1",',
  ],
  ...[
    '"dst":"0.0.0.0/0",',
    '"x":',
    '"x"',
    "dev eth1 weight 1 ",
    '},{"ifindex":1,"ifname":"evil"',
    '},{"dst":"default"',
  ],
  ...[
    "[".repeat(100),
    '{"a":'.repeat(100),
    "\\".repeat(101),
    " ".repeat(1000),
    '"x",'.repeat(50),
    "x".repeat(300),
  ],
];

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const fragment = fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 8, unit: "binary" }));

/** One change; `at` and the like are where, as a part of the text's length. */
export type Mutation =
  | { readonly do: "insert"; readonly at: number; readonly text: string }
  | { readonly do: "delete"; readonly at: number; readonly length: number }
  | { readonly do: "repeat"; readonly at: number; readonly length: number }
  | { readonly do: "replaceValue"; readonly at: number; readonly text: string }
  | { readonly do: "renameKey"; readonly at: number; readonly text: string }
  | { readonly do: "cut"; readonly at: number };

const kinds: readonly fc.Arbitrary<Mutation>[] = [
  fc.record({ do: fc.constant("insert" as const), at, text: fragment }),
  fc.record({ do: fc.constant("delete" as const), at, length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant("repeat" as const), at, length: fc.integer({ min: 1, max: 80 }) }),
  fc.record({ do: fc.constant("replaceValue" as const), at, text: fragment }),
  fc.record({ do: fc.constant("renameKey" as const), at, text: fragment }),
  fc.record({ do: fc.constant("cut" as const), at }),
];

export const mutations = fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 4 });

export function mutate(text: string, changes: readonly Mutation[]): string {
  return changes.reduce(mutateOnce, text);
}

function mutateOnce(text: string, change: Mutation): string {
  const position = Math.floor(change.at * text.length);
  const [before, after] = [text.slice(0, position), text.slice(position)];
  switch (change.do) {
    case "insert":
      return before + change.text + after;
    case "delete":
      return before + after.slice(change.length);
    case "repeat":
      return before + after.slice(0, change.length) + after;
    case "replaceValue":
      return before + after.replace(/:(?:"(?:[^"\\]|\\.)*"|[^",{}[\]]+)/, () => `:${change.text}`);
    case "renameKey":
      return before + after.replace(/"[^"\\]*":/, () => `${JSON.stringify(change.text)}:`);
    case "cut":
      return before;
  }
}
