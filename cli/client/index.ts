/** The library: `import { connect } from "skypipe"`. README.md beside this file shows its use. */
export type { ErrorCode } from "../../satellite/wire/errors.ts";
export type { Kind, Mode, PipeRow, Status, StreamBegins } from "../../satellite/wire/messages.ts";
export { connect, type Satellite } from "./connect.ts";
export { LineCutter } from "./cutter.ts";
export { SkypipeError } from "./errors.ts";
export { looksBinary } from "./kind.ts";
export type { PipeReader } from "./reader.ts";
export { makeKey } from "./seal/key.ts";
export type {
  ConnectOptions,
  DeliveredStream,
  EndCause,
  ReaderOptions,
  Received,
  Receiving,
  Removed,
  Sink,
  WriterOptions,
} from "./types.ts";
export type { PipeWriter } from "./writer.ts";
