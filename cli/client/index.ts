/** The library: `import { connect } from "skypipe"`. README.md beside this file shows its use. */

export { LineCutter } from "../../satellite/wire/cutter.ts";
export type { ErrorCode } from "../../satellite/wire/errors.ts";
export { looksBinary } from "../../satellite/wire/kind.ts";
export type {
  Kind,
  Mode,
  PipeRow,
  ShareRow,
  Status,
  StreamBegins,
} from "../../satellite/wire/messages.ts";
export type { Right } from "../../satellite/wire/rights.ts";
export { connect, type Satellite } from "./connect.ts";
export { SkypipeError } from "./errors.ts";
export type { PipeReader } from "./reader.ts";
export { makeKey } from "./seal/key.ts";
export type {
  ConnectOptions,
  DeliveredStream,
  EndCause,
  GivenShare,
  ReaderOptions,
  Received,
  Receiving,
  Removed,
  ShareOptions,
  Sink,
  WriterOptions,
} from "./types.ts";
export type { PipeWriter } from "./writer.ts";
