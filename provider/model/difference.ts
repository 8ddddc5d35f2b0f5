/** One property that differs on the host. */
export interface Difference {
  /** Path of the property: `mtu`, `ports[0].hairpin`; `name` for a link that is gone. */
  readonly property: string;
  readonly wanted: string;
  readonly found: string;
  /** The property is secret: `wanted` and `found` are the placeholder. */
  readonly isSecret?: true;
}
