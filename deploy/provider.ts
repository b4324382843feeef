/** A place where a satellite can live. Each has its folder beside this file. */
export interface Provider {
  /** What `setup` is told and what is remembered. */
  readonly name: string;
  /** For a choice, in a few words. */
  readonly title: string;
  /** The satellite that is there and answers; `null` if there is none. Starts nothing, costs nothing. */
  find(): Promise<Place | null>;
  /** Makes sure that a satellite is there. Done twice, or by two at once, it ends with one. */
  deploy(): Promise<Place>;
  /** Ends the satellite and all that it holds. Whether there was one. */
  destroy(): Promise<boolean>;
}

/** How a satellite is reached. */
export interface Place {
  readonly url: string;
  readonly token?: string;
}
