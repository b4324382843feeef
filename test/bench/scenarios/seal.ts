/**
 * What sealing adds to the CPU of each end, against what sealing and opening alone cost in node:crypto in the same turn: a loop
 * over chunks as large as a sealed one can be, with a cipher, the associated data, the bytes and the tag. The start of the ends
 * is in plain and sealed runs alike and cancels out.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { makeKey } from "../../../cli/client/index.ts";
import { SEAL_BYTES, SEALED_BYTES_MAX } from "../../../satellite/wire/sealing.ts";
import type { Bed } from "../../support/bed.ts";
import { MiB, noise } from "../../support/bytes.ts";
import { flood } from "../flow.ts";
import { skypipe } from "../routes.ts";
import type { Context, Group, Sample, Scenario } from "../scenario.ts";
import { ssh } from "./live.ts";

const boundMs = 120_000;
const mibOf: Record<Context["size"], number> = { full: 1_024, quick: 512, tiny: 4 };
const key = randomBytes(32);
const nonce = randomBytes(12);
const associated = randomBytes(24);

/** CPU seconds per GiB. Each chunk is another place in memory, as what comes from a file or a socket is. */
function alone(bytes: number, field: Uint8Array, work: (chunk: Uint8Array) => void): number {
  const before = process.cpuUsage();
  for (let done = 0; done < bytes; done += SEALED_BYTES_MAX) {
    const at = done % (field.length - SEALED_BYTES_MAX);
    work(field.subarray(at, at + SEALED_BYTES_MAX));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / (bytes / (1_024 * MiB));
}

function sealing(chunk: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: SEAL_BYTES });
  cipher.setAAD(associated);
  cipher.update(chunk);
  cipher.final();
  return cipher.getAuthTag();
}

/** What is opened here is never as it was sealed: that is known when all of it was, and costs the same. */
function opening(tag: Uint8Array): (chunk: Uint8Array) => void {
  return (chunk) => {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: SEAL_BYTES });
    decipher.setAAD(associated);
    decipher.setAuthTag(tag);
    decipher.update(chunk);
  };
}

function cpuOf(sample: Sample, who: string): number {
  return sample[`${who} CPU s/GiB`] ?? Number.NaN;
}

async function plainAndSealed(bed: Bed, bytes: number): Promise<Sample> {
  const field = noise(64 * MiB, 2);
  const sealAlone = alone(bytes, field, sealing);
  const openAlone = alone(bytes, field, opening(sealing(field.subarray(0, SEALED_BYTES_MAX))));
  const route = await skypipe()(bed);
  const plain = await flood(bed, route, bytes, boundMs);
  bed.env.SKYPIPE_KEY = makeKey();
  const sealed = await flood(bed, route, bytes, boundMs);
  return {
    "MiB/s": sealed["MiB/s"] ?? Number.NaN,
    "plain MiB/s": plain["MiB/s"] ?? Number.NaN,
    "send added ÷ sealing alone": (cpuOf(sealed, "send") - cpuOf(plain, "send")) / sealAlone,
    "recv added ÷ opening alone": (cpuOf(sealed, "recv") - cpuOf(plain, "recv")) / openAlone,
    "relay CPU ÷ plain": cpuOf(sealed, "relay") / cpuOf(plain, "relay"),
    "sealing alone CPU s/GiB": sealAlone,
    "opening alone CPU s/GiB": openAlone,
  };
}

export const seal: Scenario = {
  name: "seal",
  title: "what encryption between the ends adds",
  peers: ["time", "ssh"],
  groups({ size }): Group[] {
    const bytes = mibOf[size] * MiB;
    const of = "skypipe, sealed";
    return [
      {
        title: `${mibOf[size]} MiB live, sealed from end to end`,
        boundMs: boundMs * 2,
        contestants: {
          [of]: async (bed) => plainAndSealed(bed, bytes),
          ssh: async (bed) => ssh(bed, bytes),
        },
        targets: [
          { of, metric: "MiB/s", peer: "ssh", atLeast: 1.3 },
          { of, metric: "send added ÷ sealing alone", atMost: 1.3 },
          { of, metric: "recv added ÷ opening alone", atMost: 1.3 },
          { of, metric: "relay CPU ÷ plain", atMost: 1.05 },
        ],
      },
    ];
  },
};
