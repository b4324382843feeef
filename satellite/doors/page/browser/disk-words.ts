/** What the page and its service worker say to each other about one download. */

/** To the worker itself, with the port that the others go through. */
export interface NewDownload {
  readonly id: string;
  readonly name: string;
  readonly size: number | undefined;
}

export type FromPage =
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "close" }
  | { readonly type: "abort" }
  | { readonly type: "stay" };

/** `taken`: the browser wants more. */
export type FromWorker = "taken" | "cancelled";
