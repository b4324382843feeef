/**
 * One end for `bench:seal`, or node:crypto alone, in a process of its own: takes so many bytes through and prints the
 * seconds of CPU that this took.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "../../cli/client/index.ts";
import { SEAL_BYTES, SEALED_BYTES_MAX } from "../../satellite/wire/sealing.ts";
import { MiB } from "../support/bytes.ts";

const [role = "", mib = "", key = ""] = process.argv.slice(2);
const bytes = Number(mib) * MiB;
const block = 4 * SEALED_BYTES_MAX;
const field = Buffer.alloc(16 * MiB, randomBytes(4_096));

/** Each is another place in memory, as what comes from a file or a socket is. */
function* pieces(size: number): Generator<Uint8Array> {
  for (let done = 0; done < bytes; done += size) {
    const at = done % (field.length - size);
    yield field.subarray(at, at + size);
  }
}

async function write(): Promise<void> {
  const satellite = await connect({ key });
  const writer = satellite.writer("bench", { kind: "binary" });
  for (const piece of pieces(block)) {
    if (!writer.write(piece)) await once(writer, "drain");
  }
  writer.end();
  await once(writer, "finish");
  await satellite.close();
}

async function read(): Promise<void> {
  const satellite = await connect({ key });
  await satellite.receive("bench", {}, { borrows: true, chunk: () => {} }).done;
  await satellite.close();
}

const alone = {
  key: randomBytes(32),
  nonce: randomBytes(12),
  associated: randomBytes(24),
  lengths: { authTagLength: SEAL_BYTES },
};

function seal(): void {
  for (const piece of pieces(SEALED_BYTES_MAX)) {
    const cipher = createCipheriv("aes-256-gcm", alone.key, alone.nonce, alone.lengths);
    cipher.setAAD(alone.associated);
    cipher.update(piece);
    cipher.final();
    cipher.getAuthTag();
  }
}

/** That it is not what was sealed is known at its end, and costs the same. */
function open(): void {
  for (const piece of pieces(SEALED_BYTES_MAX)) {
    const decipher = createDecipheriv("aes-256-gcm", alone.key, alone.nonce, alone.lengths);
    decipher.setAAD(alone.associated);
    decipher.setAuthTag(piece.subarray(0, SEAL_BYTES));
    decipher.update(piece);
  }
}

const roles: Readonly<Record<string, () => void | Promise<void>>> = { write, read, seal, open };
const before = process.cpuUsage();
await roles[role]?.();
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / 1e6}\n`);
