/** Sealed pipes between two ends of the library, over a real satellite. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { makeKey } from "../../cli/client/index.ts";
import { formatKey, parseKey, pipeKey } from "../../cli/client/seal/key.ts";
import { publicKeyOf } from "../../cli/client/seal/stream-keys.ts";
import type { DeliveredStream } from "../../cli/client/types.ts";
import { all, put, useEnd, useSatellite } from "../client/library.ts";

const key = makeKey();

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function linksFor(pipe: string): Promise<{ read: string; write: string }> {
  const account = parseKey(key);
  if (account.kind !== "account") throw new Error(account.kind);
  const own = pipeKey(account, pipe);
  const publicKey = await publicKeyOf(own);
  return { read: formatKey(own), write: formatKey({ kind: "write", id: own.id, pipe, publicKey }) };
}

describe("ends with the same key", () => {
  it.each([0, 1, 65_519, 65_520, 65_521, 65_536, 300_000, 5_000_000])(
    "[Z-6] carry %i bytes, binary, exactly",
    async (bytes) => {
      const end = await useEnd(await useSatellite(), { key });
      const sent = randomBytes(bytes);
      const reading = all(end.reader("b"));
      await put(end.writer("b", { kind: "binary" }), sent);
      expect(sha256(await reading)).toBe(sha256(sent));
    },
  );

  it("carry text, merged by lines, into a follower and to a tap", async () => {
    const url = await useSatellite();
    const [one, two, reader] = await Promise.all([1, 2, 3].map(async () => useEnd(url, { key })));
    const follower = reader?.reader("log", { mode: "follow" });
    const tap = reader?.reader("log", { mode: "tap" });
    await Promise.all([once(follower ?? ({} as never), "attached"), once(tap ?? ({} as never), "attached")]);
    const heard = { follower: "", tap: "" };
    follower?.on("data", (bytes: Buffer) => (heard.follower += bytes.toString()));
    tap?.on("data", (bytes: Buffer) => (heard.tap += bytes.toString()));
    await Promise.all([put(one!.writer("log"), "a1\n", "a2\n"), put(two!.writer("log"), "b1\n", "b2\n")]);
    for (const text of [heard.follower, heard.tap]) {
      expect(text.split("\n").toSorted()).toEqual(["", "a1", "a2", "b1", "b2"]);
    }
  });

  it("tell readers, and nobody else, about the stream", async () => {
    const url = await useSatellite();
    const end = await useEnd(url, { key });
    await put(end.writer("f", { name: "a.txt", size: 2, host: "h", contentType: "text/plain" }), "x\n");
    const begun: DeliveredStream[] = [];
    await end.receive("f", {}, { begin: (stream) => void begun.push(stream), chunk: () => {} }).done;
    expect(begun).toMatchObject([
      { name: "a.txt", size: 2, host: "h", contentType: "text/plain", sealedBy: "account" },
    ]);
  });

  it("peek at the start without taking it, as many bytes as they ask for", async () => {
    const end = await useEnd(await useSatellite(), { key });
    const writer = end.writer("p");
    for (let line = 0; line < 100; line++) {
      writer.write(`${line}\n`);
      await end.drain(); // a chunk each
    }
    await put(writer);
    const whole = Array.from({ length: 100 }, (_, line) => `${line}\n`).join("");
    for (const limitBytes of [1, 50, 200, 10_000]) {
      const seen = (await all(end.reader("p", { mode: "peek", limitBytes }))).toString();
      expect(seen.length).toBeGreaterThanOrEqual(Math.min(limitBytes, whole.length));
      expect(seen.length).toBeLessThan(limitBytes + 4);
      expect(whole.startsWith(seen)).toBe(true);
    }
    expect((await all(end.reader("p"))).toString()).toBe(whole);
  });

  it("know what is safe in bytes of their own, and drain", async () => {
    const end = await useEnd(await useSatellite(), { key });
    const writer = end.writer("s");
    writer.write("twelve bytes");
    await end.drain();
    const safe: number[] = [];
    writer.on("safe", (bytes: number) => safe.push(bytes));
    await put(writer, "\n", randomBytes(200_000).toString("hex"));
    expect(safe.at(-1)).toBe(12 + 1 + 400_000);
  });

  it("wait for a reader with `sync`, abort with destroy, and say so", async () => {
    const url = await useSatellite();
    const [end, other] = [await useEnd(url, { key }), await useEnd(url, { key })];
    const reading = all(other.reader("y"));
    await put(end.writer("y", { sync: true }), "taken\n");
    expect((await reading).toString()).toBe("taken\n");
    const writer = end.writer("y").on("error", () => {});
    const lost = other.reader("y");
    lost.once("data", () => writer.destroy(new Error("the disk is full")));
    writer.write("half\n");
    await expect(all(lost)).rejects.toMatchObject({ code: "aborted", exitCode: 5 });
  });

  it("take nothing from a writer that is destroyed before it has its key", async () => {
    const end = await useEnd(await useSatellite(), { key });
    const writer = end.writer("early").on("error", () => {});
    writer.write("x\n");
    writer.destroy();
    await once(writer, "close");
    expect(await end.list()).toEqual([]);
  });
});

describe("[Z-1] after a rotation", () => {
  it("what was sealed before is read, and what comes after is sealed with the new key", async () => {
    const url = await useSatellite();
    const old = await useEnd(url, { key });
    const newer = makeKey();
    const both = await useEnd(url, { key: `${newer}\n${key}` });
    const alone = await useEnd(url, { key: newer });
    await put(old.writer("r"), "old\n");
    expect((await all(both.reader("r"))).toString()).toBe("old\n");
    await put(both.writer("r"), "new\n");
    await expect(all(old.reader("r"))).rejects.toMatchObject({ code: "no-key", exitCode: 5 });
    expect((await all(alone.reader("r"))).toString()).toBe("new\n");
  });
});

describe("[Z-2] for one pipe", () => {
  it("a public key writes, reads nothing, and is shown as a link", async () => {
    const url = await useSatellite();
    const { write } = await linksFor("in");
    const [end, shipper] = [await useEnd(url, { key }), await useEnd(url, { key: write })];
    await put(shipper.writer("in"), "log\n");
    await expect(all(shipper.reader("in"))).rejects.toMatchObject({ code: "no-key", exitCode: 5 });
    const reader = end.reader("in");
    const begun: DeliveredStream[] = [];
    reader.on("stream", (stream: DeliveredStream) => begun.push(stream));
    expect((await all(reader)).toString()).toBe("log\n");
    expect(begun).toMatchObject([{ sealedBy: "link" }]);
  });

  it("the pipe's secret reads what both kinds of writers send, and no other pipe", async () => {
    const url = await useSatellite();
    const { read, write } = await linksFor("out");
    const ends = [await useEnd(url, { key }), await useEnd(url, { key: write })];
    const guest = await useEnd(url, { key: read });
    for (const end of ends) {
      await put(end.writer("out"), "x\n");
      expect((await all(guest.reader("out"))).toString()).toBe("x\n");
    }
    await put(ends[0]!.writer("other"), "private\n");
    await expect(all(guest.reader("other"))).rejects.toMatchObject({ code: "no-key" });
  });

  it("neither writes into another pipe: not sealed, and not in clear by mistake", async () => {
    const url = await useSatellite();
    for (const link of Object.values(await linksFor("mine"))) {
      const guest = await useEnd(url, { key: link });
      const writer = guest.writer("yours");
      writer.end("x\n");
      await expect(once(writer, "finish")).rejects.toMatchObject({ code: "no-key", exitCode: 5 });
      await put(guest.writer("yours", { plain: true }), "x\n");
      await guest.remove("yours");
    }
  });
});

describe("[Z-10] [Z-11] ends of different minds", () => {
  it("leave the stream to each other", async () => {
    const url = await useSatellite();
    const [sealed, plain] = [await useEnd(url, { key }), await useEnd(url, { key: "" })];
    await put(sealed.writer("d"), "secret\n");
    await expect(all(plain.reader("d"))).rejects.toMatchObject({ code: "no-key", exitCode: 5 });
    expect((await all(sealed.reader("d"))).toString()).toBe("secret\n");

    await put(plain.writer("d"), "open\n");
    await expect(all(sealed.reader("d"))).rejects.toMatchObject({ code: "not-sealed", exitCode: 5 });
    expect((await all(sealed.reader("d", { plain: true }))).toString()).toBe("open\n");

    await put(sealed.writer("d", { plain: true }), "for all\n");
    expect((await all(plain.reader("d"))).toString()).toBe("for all\n");
  });

  it.each(["text", "binary"] as const)("leave a running %s stream to each other", async (kind) => {
    const url = await useSatellite();
    const [sealed, plain] = [await useEnd(url, { key }), await useEnd(url, { key: "" })];
    const writer = sealed.writer("d", { kind });
    writer.write("first\n");
    await once(writer, "open");
    await expect(all(plain.reader("d"))).rejects.toMatchObject({ code: "no-key" });
    const reading = all(sealed.reader("d"));
    await put(writer, "last\n");
    expect((await reading).toString()).toBe("first\nlast\n");
  });

  it("a follower leaves too, and an idle stream that is not sealed troubles nobody", async () => {
    const url = await useSatellite();
    const [sealed, plain] = [await useEnd(url, { key }), await useEnd(url, { key: "" })];
    const follower = sealed.reader("d", { mode: "follow" });
    const failed = once(follower, "error");
    await once(follower, "attached");
    const writer = plain.writer("d", { kind: "text" });
    writer.on("error", () => {}); // closed with its end
    await once(writer, "open");
    const heard = once(follower, "data");
    await put(sealed.writer("d"), "fine\n");
    expect(String((await heard)[0])).toBe("fine\n");
    writer.write("open\n");
    expect((await failed)[0]).toMatchObject({ code: "not-sealed" });
  });
});

describe("a key", () => {
  it("may be 32 bytes in hex or base64, and is one of SKYPIPE_KEY unless it is given", async () => {
    const url = await useSatellite();
    const secret = randomBytes(32);
    const texts = (["hex", "base64", "base64url"] as const).map((encoding) => secret.toString(encoding));
    for (const text of texts) {
      await put((await useEnd(url, { key: text })).writer("k"), "x\n");
      expect((await all((await useEnd(url, { key: texts[0] ?? "" })).reader("k"))).toString()).toBe("x\n");
    }
  });

  it.each(["password", "skypipe_k1_", `${makeKey()}x`, makeKey().toLowerCase(), "skypipe_p1_AAAA"])(
    "that is none is refused, and not repeated: %s",
    async (text) => {
      const refused = useEnd("http://127.0.0.1:1", { key: text });
      await expect(refused).rejects.toMatchObject({ code: "usage", exitCode: 2 });
      await expect(refused).rejects.not.toThrow(text);
    },
  );
});
