import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

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
  socket.end();
  const timer = setTimeout(() => socket.destroy(), withinMs);
  socket.once("close", () => clearTimeout(timer));
}

/** Whether a part of the request's body has not been read. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  return (encoding !== undefined || length !== "0") && !request.complete;
}
