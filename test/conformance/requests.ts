/** Names, lists, inspections and removals: C-3 to C-7. PROTOCOL §4. */
import { expect, it } from "vitest";
import { nameVectors } from "../wire/vectors.ts";
import { fence, leave, parts, place, type Start } from "./harness.ts";

function requests(start: Start): void {
  const at = place(start);

  it.each(nameVectors.filter(({ valid }) => !valid).map(({ name, pipe }) => [name, pipe] as const))(
    "[C-4] a name that breaks the rule is error usage for that request alone: %s",
    async (_, pipe) => {
      const end = await at.greet();
      const writer = end.opening(pipe);
      expect(await writer.untilFailed()).toMatchObject({ code: "usage" });
      const reader = end.reading(pipe);
      expect(await reader.untilFailed()).toMatchObject({ code: "usage" });
      end.send({ type: "remove", ref: 99, pipe });
      expect(await end.next("error", { ref: 99 })).toMatchObject({ code: "usage" });
    },
  );

  it.each(
    nameVectors
      .filter(({ valid, pipe }) => valid && pipe !== "")
      .map(({ name, pipe }) => [name, pipe] as const),
  )("[C-4] a name that keeps the rule names a pipe: %s", async (_, pipe) => {
    const end = await at.greet();
    const writer = await end.open(pipe);
    writer.finish("x\n");
    await writer.untilEndSafe();
    expect(await end.row(pipe)).toMatchObject({ name: pipe, streams: 1, bytes: 2 });
    const reader = await end.read(pipe);
    await reader.untilDone();
  });

  it("[C-3] abort, release and leave of an unknown ref are ignored", async () => {
    const end = await at.greet();
    end.send({ type: "abort", ref: 500 });
    end.send({ type: "release", ref: 500 });
    end.send({ type: "leave", ref: 500 });
    await fence(end);
  });

  it("[C-3] an ack of an unknown ref is refused", async () => {
    const end = await at.greet();
    end.send({ type: "ack", ref: 500, stream: 1, offset: 0 });
    expect(await end.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[C-3] [R-4] a reader that is done is known until it is released: late acks do no harm", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await leave(at, pipe, ["x\n"]);
    const reader = await end.read(pipe);
    await reader.untilDone();
    reader.ack(writer.stream, 2, true);
    await fence(end);
    end.send({ type: "release", ref: reader.ref });
    end.send({ type: "release", ref: reader.ref });
    await fence(end);
  });
}

function lists(start: Start): void {
  const at = place(start);

  it("[C-6] does not list a pipe that is empty and has nobody", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    expect(await end.row(pipe)).toBeUndefined();
    const reader = await end.read(pipe);
    expect(await end.row(pipe)).toBeDefined();
    reader.leave();
    await reader.untilDone();
    expect(await end.row(pipe)).toBeUndefined();
  });

  it("[C-6] counts streams, bytes, writers, readers and taps", async () => {
    const pipe = at.pipe();
    const [one, two, three] = await at.greetAll(3);
    await leave(at, pipe, ["done\n"], { kind: "binary" });
    const running = await one.open(pipe, { kind: "binary" });
    running.write("more");
    await running.untilSafe(4);
    expect(await one.row(pipe)).toMatchObject({ streams: 2, bytes: 9, writers: 1, readers: 0, taps: 0 });
    await two.read(pipe, "tap");
    await three.read(pipe, "plain", { autoAck: false });
    const row = await one.row(pipe);
    expect(row).toMatchObject({ name: pipe, streams: 2, writers: 1, readers: 1, taps: 1 });
    expect(row?.oldestAgeS).toBeGreaterThanOrEqual(0);
    expect(row?.oldestAgeS).toBeLessThan(60);
  });

  it("[C-6] a writer or reader in grace is still counted", async () => {
    const pipe = at.pipe();
    const [away, other] = await at.greetAll(2);
    await away.open(pipe);
    await away.cut();
    expect(await other.row(pipe)).toMatchObject({ writers: 1 });
    await away.resume();
  });

  it("[C-6] the age of a pipe without streams is 0", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    await end.read(pipe);
    expect(await end.row(pipe)).toEqual({
      name: pipe,
      streams: 0,
      bytes: 0,
      oldestAgeS: 0,
      writers: 0,
      readers: 1,
      taps: 0,
    });
  });

  it("[C-6] answers in parts of at most 100 pipes, the last of which says so", async () => {
    const end = await at.greet();
    const names = Array.from({ length: 205 }, () => at.pipe());
    await Promise.all(names.map((name) => end.read(name)));
    end.send({ type: "list", ref: 9000 });
    const listed: string[] = [];
    for (let isLast = false; !isLast; ) {
      const part = await end.next("listed", { ref: 9000 });
      expect(part.pipes.length).toBeLessThanOrEqual(100);
      listed.push(...part.pipes.map(({ name }) => name));
      isLast = part.last;
    }
    expect(names.filter((name) => !listed.includes(name))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
  });

  it("inspect tells what the satellite holds", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const before = await end.inspect();
    const writer = await end.open(pipe);
    writer.write("0123456789\n");
    await writer.untilSafe();
    const after = await end.inspect();
    expect(after.usedBytes - before.usedBytes).toBeGreaterThanOrEqual(11);
    expect(after).toMatchObject({
      pipes: before.pipes + 1,
      streams: before.streams + 1,
      maxBytes: before.maxBytes,
    });
    expect(after.sessions).toBeGreaterThanOrEqual(1);
    expect(after.uptimeS).toBeGreaterThanOrEqual(before.uptimeS);
  });

  it("[C-7] remove drops every stream: writers get removed, readers aborted with code removed", async () => {
    const pipe = at.pipe();
    const [one, two, three] = await at.greetAll(3);
    const reader = await one.read(pipe);
    const writer = await two.open(pipe);
    writer.write("gone\n");
    await reader.untilText("gone\n");
    three.send({ type: "remove", ref: 1, pipe });
    expect(await three.next("removed", { ref: 1 })).toMatchObject({ streams: 1 });
    expect(await writer.untilFailed()).toMatchObject({ code: "removed" });
    expect(await one.next("aborted", { ref: reader.ref })).toMatchObject({ code: "removed", offset: 5 });
    await reader.untilDone();
    expect(await three.row(pipe)).toBeUndefined();
  });

  it("[C-7] remove says how much it dropped", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["one\n"]);
    await leave(at, pipe, ["three\n"]);
    const end = await at.greet();
    expect(await end.remove(pipe)).toEqual({ streams: 2, bytes: 10 });
    expect(await end.row(pipe)).toBeUndefined();
  });

  it("[C-7] readers that wait go on waiting", async () => {
    const pipe = at.pipe();
    const [one, two] = await at.greetAll(2);
    const reader = await one.read(pipe);
    two.send({ type: "remove", ref: 1, pipe });
    await fence(two, one);
    expect(reader.isDone).toBe(false);
    await leave(at, pipe, ["later\n"]);
    await reader.untilDone();
    expect(reader.text).toBe("later\n");
  });

  it("[C-7] a pipe that is not there is not-found", async () => {
    const end = await at.greet();
    end.send({ type: "remove", ref: 5, pipe: at.pipe() });
    expect(await end.next("error", { ref: 5 })).toMatchObject({ code: "not-found" });
  });
}

export function requestsSuite(start: Start): void {
  parts(start, { requests, lists });
}
