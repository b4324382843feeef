/** The web page at `/`: files that the build puts into every bundle. From the sources a satellite runs without. */

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** JSON of them by path: as text it stands where it is used, and is no burden to what starts without a page. */
declare const __PAGE__: string | undefined;

/** By path. */
export const pageFiles: ReadonlyMap<string, PageFile> = new Map(
  Object.entries(JSON.parse(typeof __PAGE__ === "undefined" ? "{}" : __PAGE__) as Record<string, PageFile>),
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
