/** What is no request of HTTP, or too long for one, or too slow: it gets an answer all the same [H-4]. */
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { formatDuration } from "../wire/duration.ts";
import { WireError } from "../wire/errors.ts";
import type { Limits } from "../wire/limits.ts";
import { type Answer, accepts, answerOf, written } from "./answer.ts";
import { endGently } from "./leaving.ts";

type LimitsOfHeads = Pick<Limits, "headerBytesMax" | "headersMs" | "refusedMs">;

/** Of Node's parser; `rawPacket` is what it read last. */
type ParserError = Error & { readonly code?: string; readonly rawPacket?: Buffer };

/** Answers for a server what its parser refuses. */
export function answerMalformed(server: Server, limits: LimitsOfHeads): void {
  const responses = new WeakMap<Socket, ServerResponse>();
  const refused = new WeakSet<Socket>();
  for (const event of ["request", "checkContinue"]) {
    server.on(event, (_, response: ServerResponse) => {
      if (response.socket !== null) responses.set(response.socket, response);
    });
  }
  server.on("clientError", (error: ParserError, socket: Socket) => {
    if (refused.has(socket)) return; // of what still comes
    refused.add(socket);
    const response = responses.get(socket);
    const isUnderWay = response !== undefined && !response.writableFinished;
    if (!socket.writable || (isUnderWay && response.headersSent)) {
      socket.destroy(); // nobody is there, or would take it for a part of what he reads
      return;
    }
    socket.write(written(answerTo(error, limits)));
    if (isUnderWay)
      socket.destroy(); // so that the request hears of it
    else endGently(socket, limits.refusedMs);
  });
}

function answerTo({ code, rawPacket }: ParserError, limits: LimitsOfHeads): Answer {
  const asJson = accepts(/^accept:.*$/im.exec(rawPacket?.toString("latin1") ?? "")?.[0], "application/json");
  if (code === "HPE_HEADER_OVERFLOW") {
    const sentence = `the headers of a request are at most ${limits.headerBytesMax} bytes`;
    return { ...answerOf(new WireError("too-large", sentence), asJson), status: 431 };
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    const sentence = `the headers of a request have ${formatDuration(limits.headersMs)} to come`;
    return answerOf(new WireError("timeout", sentence), asJson);
  }
  return answerOf(
    new WireError("protocol", `this is no request of HTTP: ${code ?? "it breaks off"}`),
    asJson,
  );
}
