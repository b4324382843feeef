import type { Context } from "./context.ts";
import type { Stream } from "./stream.ts";

/** Puts a stream where it is looked for: by id, in its pipe, and with its writer. */
export function enrol(ctx: Context, stream: Stream): void {
  const { pipe, writer } = stream;
  writer.stream = stream;
  writer.session.addWriter(writer.ref, stream);
  if (stream.isGone) return;
  ctx.streams.set(stream.id, stream);
  pipe.streams.set(stream.id, stream);
  if (stream.isRunning) pipe.runningCount++;
  if (stream.isRunning || (stream.state === "aborted" && !stream.isBinary)) pipe.unended.add(stream);
  if (stream.window.sizeBytes === 0) ctx.starving.add(stream); // [W-5]
}
