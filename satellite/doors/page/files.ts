/** The web page at `/`: files that the build puts into every bundle. From the sources a satellite runs without. */

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

declare const __PAGE__: Readonly<Record<string, PageFile>> | undefined;

/** By path. */
export const pageFiles: ReadonlyMap<string, PageFile> = new Map(
  Object.entries(typeof __PAGE__ === "undefined" ? {} : __PAGE__),
);

/** The page runs its own files and talks to its own satellite, and nothing else: nothing inline, nobody's frame. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cache-control": "no-cache",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};
