/** The service worker: answers `/save/ID` with what the page hands it. It touches no other request. */
/// <reference lib="webworker" />
import type { FromPage, FromWorker, NewDownload } from "./disk-words.ts";

declare const self: ServiceWorkerGlobalScope;

/** Downloads that the page has announced and the browser has not asked for yet. */
const announced = new Map<string, NewDownload & { readonly port: MessagePort }>();
const ANNOUNCED_MAX = 100;

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", ({ data, ports }) => {
  const [port] = ports;
  if (port === undefined || announced.size >= ANNOUNCED_MAX) return;
  const download = data as NewDownload;
  announced.set(download.id, { ...download, port });
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== self.location.origin || !pathname.startsWith("/save/")) return;
  const download = announced.get(pathname.slice("/save/".length));
  announced.delete(pathname.slice("/save/".length));
  event.respondWith(download === undefined ? new Response(null, { status: 404 }) : answer(download));
});

function answer({ name, size, port }: NewDownload & { readonly port: MessagePort }): Response {
  const say = (message: FromWorker): void => port.postMessage(message);
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        port.addEventListener("message", ({ data }: MessageEvent<FromPage>) => {
          if (data.type === "bytes") controller.enqueue(data.bytes);
          else if (data.type === "close") controller.close();
          else if (data.type === "abort") controller.error(new Error("the stream was aborted"));
        });
        port.start();
      },
      pull: () => say("taken"),
      cancel: () => say("cancelled"),
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: {
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      "x-content-type-options": "nosniff",
      ...(size !== undefined && { "content-length": String(size) }),
    },
  });
}
