/** Sessions: supersession, grace, farewells, restarts. PROTOCOL §5. */
import { expect, it } from "vitest";
import { bearer, RawEnd } from "../support/raw-end.ts";
import { eventually, fence, parts, place, type Start } from "./harness.ts";

function superseding(start: Start): void {
  const at = place(start, { graceMs: 60_000 });

  it("[S-3] a resume while the old connection stands supersedes it", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    const { welcome, old } = await end.resume();
    expect(welcome).toMatchObject({ resumed: true });
    expect(await old.closed).toEqual({ code: 4414, reason: "superseded" });
    expect(old.lastError).toMatchObject({ code: "superseded" });
    writer.finish("on the new one\n");
    await writer.untilEndSafe();
  });

  it("[S-3] what still comes from the old connection is dropped", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe);
    const stale = writer.write("old\n");
    await writer.untilSafe(4);
    const { old } = await end.resume();
    if (old.isOpen) old.socket.send(JSON.stringify({ type: "abort", ref: writer.ref }));
    if (old.isOpen) old.socket.send(stale.frame);
    await old.closed;
    writer.finish("new\n");
    await writer.untilEndSafe();
    expect(writer.failure).toBeUndefined();
    expect(await end.row(pipe)).toMatchObject({ streams: 1, bytes: 8 });
  });

  it("[S-2] a wrong secret resumes nothing and disturbs nobody", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    const thief = await at.dial();
    const { session = "", secret = "" } = end.welcome ?? {};
    for (const guess of ["", `${secret}x`, `${secret.slice(0, -1)}${secret.endsWith("A") ? "Q" : "A"}`]) {
      const other = guess === "" ? thief : await at.dial();
      const welcome = await other.hello({ resume: { session, secret: guess, writers: [], readers: [] } });
      expect(welcome.resumed).toBe(false);
      expect(welcome.expired ?? false).toBe(false);
      expect(welcome.session).not.toBe(session);
    }
    writer.finish("still mine\n");
    await writer.untilEndSafe();
  });

  it("[S-4] an unknown session is not resumed", async () => {
    const end = await at.dial();
    const welcome = await end.hello({
      resume: { session: "nobody", secret: "none", writers: [], readers: [] },
    });
    expect(welcome.resumed).toBe(false);
    expect(welcome.expired ?? false).toBe(false);
  });
}

function grace(start: Start): void {
  const at = place(start, { graceMs: 60 });

  it("[S-6] a session without attachments ends with its connection", async () => {
    const end = await at.greet();
    await end.cut();
    await fence(await at.greet());
    const { welcome } = await end.resume();
    expect(welcome.resumed).toBe(false);
    expect(welcome.expired ?? false).toBe(false);
  });

  it("[S-6] welcome tells the grace", async () => {
    expect((await at.greet()).welcome?.graceMs).toBe(60);
  });

  it("[S-6] [L-9] a session that stays away expires: its writers abort", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("half\n");
    await reader.untilText("half\n");
    await writing.cut();
    await reader.untilDone();
    expect(reader.seen(writer)).toMatchObject({ ended: "aborted" });
  });

  it("[S-6] its readers have gone", async () => {
    const pipe = at.pipe();
    const [reading, other] = await at.greetAll(2);
    await reading.read(pipe);
    await reading.cut();
    await eventually("the pipe forgotten", async () => (await other.row(pipe)) === undefined);
  });

  it("[S-6] who comes back is told that it expired, and what was received of each stream", async () => {
    const pipe = at.pipe();
    const [writing, other] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    const silent = await writing.open(pipe);
    writer.write("0123456789\n");
    await writer.untilSafe();
    await writing.cut();
    await eventually("expiry", async () => ((await other.row(pipe))?.writers ?? 0) === 0);
    const { welcome } = await writing.resume();
    expect(welcome).toMatchObject({ resumed: false, expired: true });
    expect(welcome.session).not.toBe("");
    expect(await writing.next("expired", { ref: writer.ref })).toMatchObject({
      stream: writer.stream,
      received: 11,
    });
    expect(await writing.next("expired", { ref: silent.ref })).toMatchObject({
      stream: silent.stream,
      received: 0,
    });
  });

  it("[S-6] [L-11] a text writer that comes back as new continues exactly there", async () => {
    const pipe = at.pipe();
    const [writing, other] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.write("kept\n");
    writer.write("kept too\n");
    await writer.untilSafe();
    await writing.cut();
    await eventually("expiry", async () => ((await other.row(pipe))?.writers ?? 0) === 0);
    await writing.resume();
    const { received } = await writing.next("expired", { ref: writer.ref });
    expect(received).toBe(14);
    const again = await writing.open(pipe);
    again.finish("the rest\n");
    await again.untilEndSafe();
    const reader = await other.read(pipe, "follow");
    await reader.untilText("kept\nkept too\nthe rest\n");
  });

  it("[S-6] a session in time does not expire", async () => {
    const [end, other] = await at.greetAll(2);
    const writer = await end.open(at.pipe());
    for (let times = 0; times < 4; times += 1) {
      await end.cut();
      expect((await end.resume()).welcome.resumed).toBe(true);
      await fence(other);
    }
    writer.finish("x\n");
    await writer.untilEndSafe();
  });
}

function goodbyes(start: Start): void {
  const at = place(start, { graceMs: 60_000, takeoverMs: 60_000 });

  it("[S-7] bye closes with 1000", async () => {
    const end = await at.greet();
    await end.open(at.pipe());
    end.send({ type: "bye" });
    expect(await end.closedBy()).toMatchObject({ code: 1000, error: undefined });
  });

  it("[S-7] [L-9] bye aborts unfinished writers at once", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("half\n");
    await reader.untilText("half\n");
    writing.send({ type: "bye" });
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("aborted");
  });

  it("[S-7] bye leaves finished writers' streams as they are, and frees what its readers had", async () => {
    const pipe = at.pipe();
    const [one, two] = await at.greetAll(2);
    const writer = await one.open(pipe);
    writer.finish("whole\n");
    await writer.untilEndSafe();
    const reader = await one.read(pipe, "plain", { autoAck: false });
    await reader.untilEnded(writer);
    one.send({ type: "bye" });
    await one.closedBy();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("whole\n");
  });

  it("[S-7] a session that said bye is not resumed", async () => {
    const end = await at.greet();
    await end.open(at.pipe());
    end.send({ type: "bye" });
    await end.closedBy();
    const { welcome } = await end.resume();
    expect(welcome.resumed).toBe(false);
    expect(welcome.expired ?? false).toBe(false);
  });

  it("[S-8] a satellite that stops says goaway and closes with 1012", async () => {
    const running = await start({});
    const end = await RawEnd.greet(running.url, running.token);
    await end.open("p");
    const leaving = end.next("goaway");
    const stopped = running.stop();
    expect((await leaving).type).toBe("goaway");
    expect(await end.closedBy()).toMatchObject({ code: 1012 });
    await stopped;
  });
}

function restartsWithoutJournal(start: Start): void {
  it("[S-9] without a journal a restart makes every session unknown", async () => {
    const before = await start({});
    const end = await RawEnd.greet(before.url, before.token);
    await end.open("p");
    await before.stop();
    const after = await start({});
    const fresh = await RawEnd.dial(
      after.url,
      after.token === undefined ? {} : { headers: bearer(after.token) },
    );
    const welcome = await fresh.hello({ resume: end.resumption([]) });
    expect(welcome.resumed).toBe(false);
    expect(welcome.expired ?? false).toBe(false);
    await fresh.close();
    await after.stop();
  });
}

export function sessionSuite(start: Start, keepsJournal: boolean): void {
  parts(start, {
    "a second connection": superseding,
    grace,
    goodbyes,
    ...(!keepsJournal && { restarts: restartsWithoutJournal }),
  });
}
