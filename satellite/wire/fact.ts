export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** One fact of the journal: it replaces the one before with the same key; `null` forgets it. */
export interface Fact {
  readonly key: string;
  readonly value: JsonValue | null;
}
