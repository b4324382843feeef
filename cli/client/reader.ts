import { Readable } from "node:stream";

/**
 * Events besides those of a Readable: `attached`, `stream` (StreamBegins), `streamEnd` (StreamBegins, EndCause,
 * reason?: string), `gap` (StreamBegins, from: number, to: number). `error` with code `aborted` comes after the bytes.
 */
export abstract class PipeReader extends Readable {}
