/** Server-sent events, as HTML has them (§9.2). */
import type { OutgoingHttpHeaders } from "node:http";

export const EVENT_HEADERS: OutgoingHttpHeaders = { "content-type": "text/event-stream; charset=utf-8" };

/** Says nothing, and keeps a connection in use. */
export const NO_EVENT = ":\n\n";

export function eventOf(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}

/** Each line of a chunk as an event. A carriage return inside of one, which would end it, becomes a line break. */
export function eventsOf(chunk: Uint8Array): Buffer {
  const lines = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString().split("\n");
  if (lines.at(-1) === "") lines.pop();
  return Buffer.from(lines.map(dataOf).join(""));
}

export function dataOf(line: string): string {
  return `data: ${line.replace(/\r$/, "").replaceAll("\r", "\ndata: ")}\n\n`;
}
