/** A YAML file with the places of its values. */
import { readFileSync } from "node:fs";
import {
  type Document,
  LineCounter,
  type Node,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
} from "yaml";

/** A place for messages: its text, and its offset for sorting. */
export interface Place {
  /** `hosts.yaml:12:7` */
  readonly text: string;
  readonly offset: number;
}

/** The content of a file. */
export interface YamlFile {
  readonly data: unknown;
  /** The place of a path of the data, or of its nearest existing ancestor. */
  readonly where: (path: readonly PropertyKey[]) => Place;
  /** Errors in the YAML, each with its place. If there are any, the data cannot be used. */
  readonly problems: readonly string[];
}

/**
 * Reads a YAML 1.2 file of one document, with anchors and merge keys (`<<`).
 *
 * @throws Error if the file cannot be read
 */
export function readYamlFile(path: string): YamlFile {
  const lines = new LineCounter();
  // merge keys are not part of YAML 1.2, but common in Ansible
  const text = readFileSync(path, "utf8");
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { text: `${path}:${line}:${col}`, offset };
  };
  // some of the parser's positions are at the end of the previous token
  const next = (offset: number): number => offset + text.slice(offset).search(/\S|$/);
  const problems = document.errors.map(
    (e) => `${place(next(e.pos[0])).text}: ${e.message.replace(/\s+/g, " ")}`,
  );
  return {
    data: problems.length > 0 ? undefined : (document.toJS() as unknown),
    where: (at) => place(offsetOf(document, at)),
    problems,
  };
}

/** The offset of a value, or of the key of a collection, for the last part of the path that the file has. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
      if (!pair) return offset;
      node = pair.value;
      offset = startOf(pair.key) ?? offset;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return isScalar(node) && node.value !== null ? (startOf(node) ?? offset) : offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
