/** The first bytes of a binary file of the store (FORMAT.md). */
import { WireError } from "../../wire/errors.ts";

export const FORMAT_VERSION = 1;
/** Magic, version, number, two bytes that are zero, salt. */
export const HEAD_BYTES = 24;

export interface Head {
  readonly magic: string;
  readonly number: number;
  readonly salt: number;
}

/** Writes magic, version, number and salt to the start of `target`. */
export function writeHead(target: Buffer, { magic, number, salt }: Head): void {
  target.write(magic, 0, 8, "latin1");
  target.writeUInt32BE(FORMAT_VERSION, 8);
  target.writeUIntBE(number, 12, 6);
  target.writeUInt16BE(0, 18);
  target.writeUInt32BE(salt, 20);
}

/** The salt in a head whose checksum was right; null if it is another one's. Throws for a newer version. */
export function saltIn(head: Buffer, magic: string, number: number): number | null {
  if (head.toString("latin1", 0, 8) !== magic) return null;
  refuseNewer(head.readUInt32BE(8));
  return head.readUIntBE(12, 6) === number ? head.readUInt32BE(20) : null;
}

export function refuseNewer(version: number): void {
  if (version <= FORMAT_VERSION) return;
  throw new WireError(
    "version",
    `the data directory was written by a newer skypipe (format ${version}, this one knows ${FORMAT_VERSION}): use that one`,
  );
}
