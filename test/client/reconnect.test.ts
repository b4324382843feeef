/** The library over a link that is cut: what is written is what is read. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { connect } from "../../cli/client/index.ts";
import { startSatellite } from "../../satellite/satellite.ts";
import type { Limits } from "../../satellite/wire/limits.ts";
import { until } from "../support/until.ts";
import { useLink } from "../support/use-link.ts";
import { all, put, useEnd, useSatellite } from "./library.ts";

async function useRoughEnd(limits: Partial<Limits> = {}) {
  const url = await useSatellite({ limits });
  const link = await useLink(Number(new URL(url).port));
  return { link, url, rough: await useEnd(link.url) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("[L-11] a link that is cut", () => {
  it("costs neither side anything, however often", async () => {
    const { link, rough } = await useRoughEnd();
    const bytes = randomBytes(8_000_000);
    const got = all(rough.reader("a"));
    link.cutAt([1_000_000, 3_000_000, 3_100_000, 7_000_000, 12_000_000]);
    await put(rough.writer("a"), bytes);
    expect(sha256(await got)).toBe(sha256(bytes));
    expect(link.cuts).toBe(5);
  });

  it("is told, and that it is back", async () => {
    const { link, rough } = await useRoughEnd();
    const told = Promise.all([once(rough, "disconnect"), once(rough, "reconnect")]);
    link.cut();
    const [[reason]] = await told;
    expect(reason).toMatch(/connection/);
  });

  it("holds what is written while it is down", async () => {
    const { link, url, rough } = await useRoughEnd();
    const direct = await useEnd(url);
    const writer = rough.writer("a");
    writer.write("before\n");
    await once(writer, "safe");
    link.down();
    await once(rough, "disconnect");
    writer.end("meanwhile\n");
    const got = all(direct.reader("a"));
    link.up();
    await once(writer, "finish");
    expect((await got).toString()).toBe("before\nmeanwhile\n");
  });

  it("answers questions when it is back", async () => {
    const { link, rough } = await useRoughEnd();
    await put(rough.writer("a"), "x\n");
    link.down();
    await once(rough, "disconnect");
    const listed = rough.list();
    link.up();
    expect(await listed).toMatchObject([{ name: "a" }]);
  });

  it("lets a reader leave while it is down", async () => {
    const { link, rough } = await useRoughEnd();
    const receiving = rough.receive("a", {}, { chunk: () => {} });
    await receiving.attached;
    link.down();
    await once(rough, "disconnect");
    await receiving.leave();
    expect(await receiving.done).toEqual({ aborted: false });
  });
});

describe("[S-6] a link that is down for longer than the grace", () => {
  it("ends a binary writer with exit 5", async () => {
    const { link, rough } = await useRoughEnd({ graceMs: 200 });
    const writer = rough.writer("a", { kind: "binary" });
    writer.write("x");
    await once(writer, "safe");
    const failed = once(writer, "error");
    link.down();
    expect((await failed)[0]).toMatchObject({ code: "expired", exitCode: 5 });
  });

  it("ends a reader in the middle of a delivery with exit 5", async () => {
    const { link, url, rough } = await useRoughEnd({ graceMs: 200 });
    const direct = await useEnd(url);
    const writer = direct.writer("a");
    writer.write("x\n");
    const reader = rough.reader("a");
    const failed = once(reader, "error");
    await once(reader, "data");
    link.down();
    expect((await failed)[0]).toMatchObject({ code: "expired", exitCode: 5 });
    writer.destroy();
  });

  it("costs a text writer, and a reader that waits, nothing", async () => {
    const { link, url, rough } = await useRoughEnd({ graceMs: 200 });
    const direct = await useEnd(url);
    const writer = rough.writer("out");
    writer.write("before\n");
    await once(writer, "safe");
    const waiting = all(rough.reader("in"));
    await until("the reader is there", async () =>
      (await direct.list()).some(({ readers }) => readers === 1),
    );
    link.down();
    await until("both are gone", async () =>
      (await direct.list()).every((row) => row.readers + row.writers === 0),
    );
    writer.end("after\n");
    const lines = direct.reader("out", { mode: "follow" });
    const parts: string[] = [];
    lines.on("data", (bytes: Buffer) => parts.push(bytes.toString()));
    await put(direct.writer("in"), "for you\n");
    link.up();
    await once(writer, "finish");
    await until("all of it has come", () => parts.join("") === "before\nafter\n");
    expect((await waiting).toString()).toBe("for you\n");
  });
});

describe("[S-8] a satellite that stops", () => {
  it("says so; ends come back to the one that takes its place", async () => {
    const first = await startSatellite();
    const port = Number(new URL(first.url).port);
    const end = await useEnd(first.url);
    const writer = end.writer("a");
    const reader = end.reader("a", { mode: "follow" });
    const parts: string[] = [];
    reader.on("data", (bytes: Buffer) => parts.push(bytes.toString()));
    await once(reader, "attached");
    writer.write("one\n");
    await once(writer, "safe");
    const goaway = once(end, "goaway");
    await first.stop("an upgrade");
    expect((await goaway)[0]).toBe("an upgrade");
    await useSatellite({ port });
    await put(writer, "two\n");
    await until("the rest has come", () => parts.join("") === "one\ntwo\n");
  });
});

describe("the first connect", () => {
  it("waits for a satellite that is about to start", async () => {
    const first = await startSatellite();
    const port = Number(new URL(first.url).port);
    await first.stop();
    const connecting = connect({ url: first.url });
    await useSatellite({ port });
    await (await connecting).close();
  });
});
