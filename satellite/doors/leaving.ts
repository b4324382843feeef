/** How connections end after a response, and what that tells about who read it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "../wire/limits.ts";

/**
 * Has the connection closed, after the response, from our side only: the client closes its own, and reads on as long
 * as it likes. Node would destroy it, and a reset would take from the client what it has not read. After `withinMs`
 * it is destroyed all the same.
 */
export function closeGently(response: ServerResponse, socket: Socket, withinMs: number): void {
  response.shouldKeepAlive = false;
  socket.destroySoon = () => endGently(socket, withinMs);
}

/** Says that no more comes, and waits for the other side to say so. */
export function endGently(socket: Socket, withinMs: number): void {
  socket.setTimeout(0); // Node's, for a connection that is idle
  socket.end();
  const timer = setTimeout(() => socket.destroy(), withinMs);
  socket.once("close", () => clearTimeout(timer));
}

/** Whether a part of the request's body has not been read. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  return (encoding !== undefined || length !== "0") && !request.complete;
}

/** The newest request of each connection, and who waits for the next one. */
const newest = new WeakMap<Socket, IncomingMessage>();
const waiting = new WeakMap<Socket, () => void>();

/** A request has come: whatever came before it on its connection was read. */
export function noteRequest(request: IncomingMessage): void {
  const { socket } = request;
  newest.set(socket, request);
  waiting.get(socket)?.();
  waiting.delete(socket);
}

/**
 * Ends a response. `onRead` is called when another request shows that the client has read it. A client that has read it
 * may close the connection as well; if it does neither within `closeMs` we close it, and it can only close its side.
 */
export function endAndWatch(
  request: IncomingMessage,
  response: ServerResponse,
  { closeMs, lingerMs }: Pick<Limits, "closeMs" | "lingerMs">,
  onRead: () => void,
): void {
  const { socket } = request;
  if (!response.shouldKeepAlive) {
    closeGently(response, socket, lingerMs);
    response.end();
    return;
  }
  response.end(() => {
    if (newest.get(socket) !== request) {
      onRead();
      return;
    }
    const timer = setTimeout(() => endGently(socket, lingerMs), closeMs);
    socket.once("close", () => clearTimeout(timer));
    waiting.set(socket, () => {
      clearTimeout(timer);
      onRead();
    });
  });
}
