/** What would pass a limit costs nobody else anything. K-1, S-6. PROTOCOL §9. */
import { expect, it } from "vitest";
import { RawEnd } from "../support/raw-end.ts";
import { cutSeen, eventually, fence, leave, parts, place, type Start } from "./harness.ts";

function streams(start: Start): void {
  const at = place(start, { streamsMax: 2 });

  it("[K-1] streamsMax", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["1\n"]);
    const end = await at.greet();
    const second = await end.open(pipe);
    expect(await end.opening(pipe).untilFailed()).toMatchObject({ code: "limit" });
    second.finish("2\n");
    await second.untilEndSafe();
    const reader = await end.read(pipe);
    await reader.untilDone();
    const third = await end.open(pipe);
    third.finish("3\n");
    await third.untilEndSafe();
    expect(await end.row(pipe)).toMatchObject({ streams: 2, bytes: 4 });
  });
}

function pipes(start: Start): void {
  const at = place(start, { pipesMax: 2 });

  it("[K-1] pipesMax, for readers and writers", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    const reader = await end.read(at.pipe());
    expect(await end.opening(at.pipe()).untilFailed()).toMatchObject({ code: "limit" });
    expect(await end.reading(at.pipe()).untilFailed()).toMatchObject({ code: "limit" });
    reader.leave();
    await reader.untilDone();
    await end.read(at.pipe());
    writer.finish("x\n");
    await writer.untilEndSafe();
  });
}

function sessions(start: Start): void {
  const at = place(start, { sessionsMax: 2 });

  it("[K-1] [E-1] sessionsMax", async () => {
    const [one, two] = await at.greetAll(2);
    const third = await at.dial();
    third.send({ type: "hello", protocol: 1, software: "raw/0" });
    expect(await third.closedBy()).toMatchObject({ code: 4429, reason: "limit", error: { code: "limit" } });
    await fence(one, two);
    await two.close();
    await eventually("a place", async () => {
      const next = await RawEnd.dial(at.running.url, { headers: {} });
      next.send({ type: "hello", protocol: 1, software: "raw/0" });
      const gotIn = await Promise.race([
        next.next("welcome").then(
          () => true,
          () => false,
        ),
        next.closedBy().then(() => false),
      ]);
      await next.close();
      return gotIn;
    });
  });
}

function attachments(start: Start): void {
  const at = place(start, { attachmentsPerSessionMax: 2 });

  it("[K-1] attachmentsPerSessionMax, for readers and writers together", async () => {
    const end = await at.greet();
    await end.open(at.pipe());
    const reader = await end.read(at.pipe());
    expect(await end.reading(at.pipe()).untilFailed()).toMatchObject({ code: "limit" });
    expect(await end.opening(at.pipe()).untilFailed()).toMatchObject({ code: "limit" });
    reader.leave();
    await reader.untilDone();
    end.send({ type: "release", ref: reader.ref });
    await end.open(at.pipe());
    const other = await at.greet();
    await other.read(at.pipe());
  });
}

function running(start: Start): void {
  const at = place(start, { runningStreamsPerPipeMax: 2 });

  it("[K-1] runningStreamsPerPipeMax", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const first = await end.open(pipe);
    await end.open(pipe);
    expect(await end.opening(pipe).untilFailed()).toMatchObject({ code: "limit" });
    await end.open(at.pipe());
    first.finish("x\n");
    await first.untilEndSafe();
    await end.open(pipe);
  });
}

function expired(start: Start): void {
  const at = place(start, { expiredMax: 1, graceMs: 20 });

  it("[S-6] expiredMax: the oldest writer of an expired session is forgotten first", async () => {
    const pipe = at.pipe();
    const [one, two, other] = await at.greetAll(3);
    for (const end of [one, two]) {
      const writer = await end.open(pipe);
      writer.write("x\n");
      await writer.untilSafe();
      await cutSeen(end, other);
      await eventually("expiry", async () => (await other.row(pipe))?.writers === 0);
    }
    expect((await two.resume()).welcome).toMatchObject({ resumed: false, expired: true });
    expect(await two.next("expired")).toMatchObject({ received: 2 });
    expect((await one.resume()).welcome.resumed).toBe(false);
    await fence(one);
    expect(one.has("expired")).toBe(false);
  });
}

export function limitsSuite(start: Start): void {
  parts(start, { streams, pipes, sessions, attachments, running, expired });
}
