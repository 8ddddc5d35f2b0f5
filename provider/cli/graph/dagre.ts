/** The layout library, loaded when it is needed. */

/** The part of dagre that is used. CommonJS cannot resolve the files of its own declarations. */
export interface Dagre {
  readonly Graph: new () => Graph;
  readonly layout: (graph: Graph) => void;
}

interface Graph {
  setGraph(options: Readonly<Record<string, string | number>>): void;
  setNode(id: string, size: { readonly width: number; readonly height: number }): void;
  setEdge(from: string, to: string, label: Readonly<Record<string, string | number>>): void;
  graph(): { readonly width: number; readonly height: number };
  /** The middle of a box. */
  node(id: string): { readonly x: number; readonly y: number };
  edge(from: string, to: string): PlacedLine;
}

export interface PlacedLine {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** The middle of its label, if any. */
  readonly x?: number;
  readonly y?: number;
}

export async function loadDagre(): Promise<Dagre> {
  return import("@dagrejs/dagre");
}
