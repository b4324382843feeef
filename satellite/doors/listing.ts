import { randomBytes } from "node:crypto";
import { type ErrorCode, isErrorCode, WireError } from "../wire/errors.ts";
import { PROTOCOL_VERSION } from "../wire/limits.ts";
import type { PipeRow, SatelliteMessage } from "../wire/messages.ts";
import type { Rights } from "../wire/rights.ts";
import type { Exchange, Line } from "./exchange.ts";

/** All pipes, asked of the broker over a connection of our own. Rejects with what the broker answers instead. */
export function listPipes(exchange: Exchange, rights: Rights, software: string): Promise<PipeRow[]> {
  return new Promise((resolve, reject) => {
    const rows: PipeRow[] = [];
    let isOver = false;
    const finish = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      settle();
      exchange.post({ type: "lost", connection });
      exchange.forget(connection);
    };
    const refuse = (code: ErrorCode, message: string): void =>
      finish(() => reject(new WireError(code, message)));
    const line: Line = {
      send(message: SatelliteMessage): void {
        if (message.type === "error") {
          refuse(isErrorCode(message.code) ? message.code : "internal", message.message);
        } else if (message.type === "listed") {
          rows.push(...message.pipes);
          if (message.last) finish(() => resolve(rows));
        }
      },
      forward: () => {},
      close: () => refuse("going-away", "the satellite is about to stop: come back in a moment"),
      fail: (error) => refuse(error.code, error.message),
    };
    const connection = exchange.open(line);
    exchange.post({
      type: "hello",
      connection,
      message: { type: "hello", protocol: PROTOCOL_VERSION, software },
      rights,
      secret: randomBytes(16).toString("base64url"),
    });
    if (!isOver) exchange.post({ type: "message", connection, message: { type: "list", ref: 1 } });
  });
}
