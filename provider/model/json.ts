/** Plain JSON, as it travels between the engine and a kind. */
export type Json = Readonly<Record<string, unknown>>;
