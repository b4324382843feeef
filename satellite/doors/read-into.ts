/** Reads a socket that was accepted into memory that is used again, where this Node can do that. */
import type { Socket } from "node:net";
import type { TakeBytes } from "../wire/websocket.ts";

/** What one read(2) takes at most. */
const READ_BYTES = 256 * 1024;

/** All sockets read into it, one after the other. */
let shared: Uint8Array | null = null;

/**
 * Calls `take` with everything that comes from now on.
 *
 * Node reads into a buffer of the caller's only where it opens the socket (`onread`), not where it accepts it. What it
 * keeps for that is there all the same, and takes a third off what a satellite does for a byte. Where something of it is
 * not as we know it (Node 20 to 26), or under TLS, 'data' events do.
 */
export function readInto(socket: Socket, take: TakeBytes): void {
  if (!readIntoShared(socket, take)) socket.on("data", take);
  socket.resume();
}

interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

function readIntoShared(socket: Socket, take: TakeBytes): boolean {
  const handle = handleOf(socket);
  const slots = slotsOf(socket);
  if (handle === null || slots === null || socket.readableLength > 0) return false;
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
  Object.assign(socket, {
    [slots.buffer]: shared,
    [slots.callback]: (bytesRead: number, buffer: Uint8Array) => {
      take(buffer.subarray(0, bytesRead));
      return true;
    },
  });
  handle.useUserBuffer(shared);
  return true;
}

function handleOf(socket: Socket): ReadingHandle | null {
  if ("encrypted" in socket) return null;
  const handle: unknown = "_handle" in socket ? socket._handle : null;
  const can = typeof handle === "object" && handle !== null && "useUserBuffer" in handle;
  return can && typeof handle.useUserBuffer === "function" ? (handle as ReadingHandle) : null;
}

/** Where a socket keeps its `onread`. */
function slotsOf(socket: Socket): { buffer: symbol; callback: symbol } | null {
  const find = (name: string): symbol | undefined =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  const [buffer, callback, generator] = [find("kBuffer"), find("kBufferCb"), find("kBufferGen")];
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  const isUnused = [buffer, callback, generator].every((slot) => Reflect.get(socket, slot) === null);
  return isUnused ? { buffer, callback } : null;
}
