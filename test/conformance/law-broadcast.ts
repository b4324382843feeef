/** Who gets what runs, what one delivery is, and when it is over: L-4, L-5, L-7, L-8. PROTOCOL §8. */
import { expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { fence, leave, parts, place, type Start } from "./harness.ts";

function broadcast(start: Start): void {
  const at = place(start);

  it("[L-4] a stream that opens goes to every reader attached", async () => {
    const pipe = at.pipe();
    const ends = await at.greetAll(4);
    const readers = [await ends[0].read(pipe), await ends[1].read(pipe, "follow"), await ends[2].read(pipe)];
    const writer = await ends[3].open(pipe);
    writer.write("to\n");
    writer.finish("all\n");
    for (const reader of readers) await reader.untilText("to\nall\n");
    await readers[0]?.untilDone();
    await readers[2]?.untilDone();
    await writer.untilEndSafe();
  });

  it("[L-4] binary streams too", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const readers = [await one.read(pipe), await two.read(pipe)];
    const writer = await writing.open(pipe, { kind: "binary" });
    writer.finish(Buffer.alloc(50_000, 7));
    for (const reader of readers) await reader.untilDone();
    for (const reader of readers) expect(reader.seen(writer).bytes).toEqual(Buffer.alloc(50_000, 7));
  });

  it("[L-4] who joins running text that others read gets it from the next line start", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const early = await one.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.write("b");
    await early.untilText("a\nb");
    const late = await two.read(pipe);
    writer.write("c\n");
    writer.write("d\n");
    writer.finish("e\n");
    await early.untilDone();
    await late.untilDone();
    expect(early.text).toBe("a\nbc\nd\ne\n");
    expect(late.text).toBe("d\ne\n");
    expect(late.seen(writer).start).toBe(5);
  });

  it("[L-4] who joins at a line start gets the very next chunk", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const early = await one.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await early.untilText("a\n");
    const late = await two.read(pipe);
    writer.finish("b\n");
    await late.untilDone();
    expect(late.text).toBe("b\n");
  });

  it("[L-4] who joins in the last line, which never ends, gets nothing of it and is released by its end", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const early = await one.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a");
    await early.untilText("a");
    const late = await two.read(pipe);
    writer.finish("b");
    await early.untilDone();
    await late.untilDone();
    expect(late.text).toBe("");
  });

  it("[L-4] the only reader gets running text from the start of what is buffered", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    writer.write("b");
    await writer.untilSafe();
    const reader = await reading.read(pipe);
    await reader.untilText("a\nb");
    writer.finish("c\n");
    await reader.untilDone();
    expect(reader.text).toBe("a\nbc\n");
  });

  it("[L-4] a binary stream is joined at its first byte", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const writer = await writing.open(pipe, { kind: "binary" });
    const first = await one.read(pipe);
    const second = await two.read(pipe);
    writer.finish("\0\u0001");
    for (const reader of [first, second]) {
      await reader.untilDone();
      expect(reader.seen(writer).bytes.length).toBe(2);
    }
  });

  it("[L-4] a binary stream of which something is gone is not joined at all", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const first = await one.read(pipe);
    const writer = await writing.open(pipe, { kind: "binary" });
    writer.write(Buffer.alloc(1000));
    await writer.untilSafe();
    const late = await two.read(pipe);
    writer.finish(Buffer.alloc(1000));
    await first.untilDone();
    await fence(two);
    expect(late.taken).toEqual([]);
    expect(late.isDone).toBe(false);
    await leave(at, pipe, ["the next\n"]);
    await late.untilDone();
    expect(late.text).toBe("the next\n");
  });

  it("[L-4] a fresh reader gets none of the streams that had ended", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["old\n"]);
    const [one, two] = await at.greetAll(2);
    const fresh = await one.read(pipe, "plain", { fresh: true });
    const writer = await two.open(pipe);
    writer.finish("new\n");
    await fresh.untilDone();
    expect(fresh.text).toBe("new\n");
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("old\n");
  });

  it("[L-4] a fresh follower begins with what comes", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["old\n"]);
    const [one, two] = await at.greetAll(2);
    const fresh = await one.read(pipe, "follow", { fresh: true });
    const writer = await two.open(pipe);
    writer.finish("new\n");
    await fresh.untilText("new\n");
    expect(await two.row(pipe)).toMatchObject({ streams: 1, bytes: 4 });
  });

  it("[L-4] a fresh reader joins running text at the next line start", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const early = await one.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("a");
    await early.untilText("a");
    const fresh = await two.read(pipe, "plain", { fresh: true });
    writer.write("b\n");
    writer.finish("c\n");
    await fresh.untilDone();
    await early.untilDone();
    expect(fresh.text).toBe("c\n");
  });

  it("[L-4] of running text that nobody else reads a fresh reader gets a copy, which consumes nothing", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    const writer = await writing.open(pipe);
    writer.write("a\n");
    await writer.untilSafe();
    const fresh = await one.read(pipe, "plain", { fresh: true });
    writer.write("b\n");
    await fresh.untilText("b\n");
    writer.finish("c\n");
    await fresh.untilDone();
    await writer.untilEndSafe();
    const next = await two.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("a\nb\nc\n");
  });
}

function oneDelivery(start: Start): void {
  const at = place(start);

  it("[L-5] a stream that had ended, alone", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["ended\n"]);
    const [writing, reading] = await at.greetAll(2);
    const running = await writing.open(pipe);
    running.write("running\n");
    await running.untilSafe();
    const reader = await reading.read(pipe);
    await reader.untilDone();
    expect(reader.text).toBe("ended\n");
    const next = await reading.read(pipe);
    running.finish();
    await next.untilDone();
    expect(next.text).toBe("running\n");
  });

  it("[L-5] one running binary stream, alone", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const binary = await one.open(pipe, { kind: "binary" });
    binary.write("BIN");
    const text = await two.open(pipe);
    text.write("text\n");
    await binary.untilSafe();
    await text.untilSafe();
    const reader = await reading.read(pipe);
    await reader.untilText("BIN");
    binary.finish("ARY");
    await reader.untilDone();
    expect(reader.text).toBe("BINARY");
    const next = await reading.read(pipe);
    text.finish();
    await next.untilDone();
    expect(next.text).toBe("text\n");
  });

  it("[L-5] the running text streams, merged in order of arrival; what it did not take stays", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    await leave(at, pipe, ["ended\n"]);
    first.write("1a\n");
    await first.untilSafe();
    second.write("2a\n");
    await second.untilSafe();
    first.write("1b\n");
    await first.untilSafe();
    const reader = await reading.read(pipe);
    await reader.untilText("1a\n2a\n1b\n");
    first.finish();
    second.finish("2b\n");
    await reader.untilDone();
    expect(reader.text).toBe("1a\n2a\n1b\n2b\n");
    const next = await reading.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("ended\n");
  });

  it("[L-5] a second reader of the same pipe gets what the first cannot", async () => {
    const pipe = at.pipe();
    const [one, two, writing] = await at.greetAll(3);
    await leave(at, pipe, ["first\n"]);
    const holding = await one.read(pipe, "plain", { autoAck: false });
    await holding.untilText("first\n");
    const waiting = await two.read(pipe);
    const writer = await writing.open(pipe);
    writer.finish("second\n");
    await waiting.untilDone();
    expect(waiting.text).toBe("second\n");
    expect(holding.text).toBe("first\n");
    holding.ackAll();
    await holding.untilDone();
  });

  it("[L-5] a stream that turns out to be binary leaves a merge that has begun", async () => {
    const pipe = at.pipe();
    const [one, two, reading, later] = await at.greetAll(4);
    const reader = await reading.read(pipe);
    const text = await one.open(pipe);
    const unknown = await two.open(pipe);
    text.write("text\n");
    await reader.untilText("text\n");
    unknown.write("\0", Flag.binary);
    await fence(two, reading);
    text.finish();
    await reader.untilDone();
    expect(reader.taken).toEqual([text.stream]);
    expect(reader.text).toBe("text\n");
    const next = await later.read(pipe);
    unknown.finish("\u0001", Flag.binary);
    await next.untilDone();
    expect(next.text).toBe("\0\u0001");
  });

  it("[L-5] if nothing of the merge was delivered and it is the oldest, the others leave instead", async () => {
    const pipe = at.pipe();
    const [one, two, reading, later] = await at.greetAll(4);
    const reader = await reading.read(pipe);
    const unknown = await one.open(pipe);
    const text = await two.open(pipe);
    unknown.write("\0", Flag.binary);
    await reader.untilText("\0");
    text.write("text\n");
    await fence(two, reading);
    expect(reader.text).toBe("\0");
    unknown.finish("", Flag.binary);
    await reader.untilDone();
    expect(reader.taken).toEqual([unknown.stream]);
    const next = await later.read(pipe);
    text.finish();
    await next.untilDone();
    expect(next.text).toBe("text\n");
  });

  it("[L-5] if it is not the oldest it leaves, though nothing was delivered", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const text = await one.open(pipe);
    const unknown = await two.open(pipe);
    unknown.write("\0", Flag.binary);
    await fence(two, reading);
    expect(reader.text).toBe("");
    text.finish("text\n");
    await reader.untilDone();
    expect(reader.text).toBe("text\n");
    unknown.finish("", Flag.binary);
    await unknown.untilEndSafe();
  });

  it("[L-5] a binary stream that opens during a merge waits for the next reader", async () => {
    const pipe = at.pipe();
    const [one, two, reading, later] = await at.greetAll(4);
    const reader = await reading.read(pipe);
    const text = await one.open(pipe);
    text.write("a\n");
    await reader.untilText("a\n");
    const binary = await two.open(pipe, { kind: "binary" });
    binary.finish("BIN");
    text.finish("b\n");
    await reader.untilDone();
    expect(reader.text).toBe("a\nb\n");
    const next = await later.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("BIN");
  });
}

function endOfFile(start: Start): void {
  const at = place(start);

  it("[L-7] one writer's EOF does not end a reader that others still feed", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.finish("1\n");
    await reader.untilEnded(first);
    await fence(reading);
    expect(reader.isDone).toBe(false);
    second.write("2\n");
    await reader.untilText("1\n2\n");
    const third = await one.open(pipe);
    second.finish();
    await reader.untilEnded(second);
    await fence(reading);
    expect(reader.isDone).toBe(false);
    third.finish("3\n");
    await reader.untilDone();
    expect(reader.text).toBe("1\n2\n3\n");
  });

  it("[L-7] a reader whose delivery is over is closed to what comes after, acknowledged or not", async () => {
    const pipe = at.pipe();
    const [one, two, reading, later] = await at.greetAll(4);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const first = await one.open(pipe);
    first.finish("1\n");
    await reader.untilEnded(first);
    const second = await two.open(pipe);
    second.finish("2\n");
    await second.untilEndSafe();
    await fence(reading);
    expect(reader.taken).toEqual([first.stream]);
    reader.ackAll();
    await reader.untilDone();
    const next = await later.read(pipe);
    await next.untilDone();
    expect(next.text).toBe("2\n");
  });

  it("[L-7] a follower never ends: backlog first, then what comes, in order", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, ["1\n"]);
    await leave(at, pipe, ["2\n"], { kind: "binary" });
    await leave(at, pipe, ["3\n"]);
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe, "follow");
    await reader.untilText("1\n2\n3\n");
    for (const text of ["4\n", "5\n"]) {
      const writer = await writing.open(pipe);
      writer.finish(text);
      await writer.untilEndSafe();
    }
    await reader.untilText("1\n2\n3\n4\n5\n");
    expect(reader.isDone).toBe(false);
    expect(await writing.row(pipe)).toMatchObject({ streams: 0, readers: 1 });
  });

  it("[L-7] a follower merges running text by lines", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const reader = await reading.read(pipe, "follow");
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("1a\n");
    await reader.untilText("1a\n");
    second.write("2a\n");
    await reader.untilText("1a\n2a\n");
    first.write("1b\n");
    await reader.untilText("1a\n2a\n1b\n");
  });

  it("[L-7] a follower gets each binary stream whole in its turn", async () => {
    const pipe = at.pipe();
    const [one, two, three, reading] = await at.greetAll(4);
    const reader = await reading.read(pipe, "follow");
    const text = await one.open(pipe);
    text.write("before\n");
    await reader.untilText("before\n");
    const binary = await two.open(pipe, { kind: "binary" });
    const other = await three.open(pipe, { kind: "binary" });
    binary.write("BIN");
    await reader.untilText("before\nBIN");
    text.write("meanwhile\n");
    other.write("OTHER");
    await fence(one, three, reading);
    expect(reader.text).toBe("before\nBIN");
    binary.finish("ARY");
    other.finish("!");
    text.write("after\n");
    await reader.untilBytes("before\nBINARYmeanwhile\nOTHER!after\n".length);
    expect(reader.text).toContain("BINARY");
    expect(reader.text).toContain("OTHER!");
    expect(reader.seen(text).bytes.toString()).toBe("before\nmeanwhile\nafter\n");
  });

  it.each([
    ["ended text", ["x\n"], {}],
    ["ended binary", ["\0"], { kind: "binary" as const }],
    ["empty", [""], {}],
  ])("[L-7] a `one` reader takes exactly one stream: %s", async (_, pieces, fields) => {
    const pipe = at.pipe();
    await leave(at, pipe, pieces, fields);
    await leave(at, pipe, ["other\n"]);
    const end = await at.greet();
    const reader = await end.read(pipe, "one");
    await reader.untilDone();
    expect(reader.text).toBe(pieces.join(""));
    expect(await end.row(pipe)).toMatchObject({ streams: 1 });
  });

  it("[L-7] a `one` reader takes running text alone", async () => {
    const pipe = at.pipe();
    const [one, two, reading] = await at.greetAll(3);
    const first = await one.open(pipe);
    const second = await two.open(pipe);
    first.write("1\n");
    second.write("2\n");
    await first.untilSafe();
    await second.untilSafe();
    const reader = await reading.read(pipe, "one");
    await reader.untilText("1\n");
    first.finish("1\n");
    await reader.untilDone();
    expect(reader.text).toBe("1\n1\n");
    second.finish();
    await second.untilEndSafe();
  });
}

function signals(start: Start): void {
  const at = place(start);

  it.each(["plain", "follow", "one"] as const)(
    "[L-8] an empty stream is delivered to a %s reader",
    async (mode) => {
      const pipe = at.pipe();
      const [reading, writing] = await at.greetAll(2);
      const reader = await reading.read(pipe, mode);
      const writer = await writing.open(pipe);
      writer.finish();
      await writer.untilEndSafe();
      await fence(reading);
      expect(reader.seen(writer)).toMatchObject({ ended: "eof", offset: 0 });
      expect(reader.isDone || mode === "follow").toBe(true);
    },
  );

  it("[L-8] it releases every reader that waits", async () => {
    const pipe = at.pipe();
    const ends = await at.greetAll(4);
    const readers = [await ends[0].read(pipe), await ends[1].read(pipe), await ends[2].read(pipe)];
    const writer = await ends[3].open(pipe);
    writer.finish();
    for (const reader of readers) await reader.untilDone();
    expect(await ends[3].row(pipe)).toBeUndefined();
  });

  it("[L-8] with none waiting it is remembered, and releases the next one alone", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, [""]);
    const [one, two] = await at.greetAll(2);
    expect(await one.row(pipe)).toMatchObject({ streams: 1, bytes: 0 });
    const first = await one.read(pipe);
    await first.untilDone();
    const second = await two.read(pipe);
    await fence(two);
    expect(second.isDone).toBe(false);
  });

  it("[L-8] two that are remembered release two readers", async () => {
    const pipe = at.pipe();
    await leave(at, pipe, [""]);
    await leave(at, pipe, [""]);
    for (const end of await at.greetAll(2)) await (await end.read(pipe)).untilDone();
    expect(await (await at.greet()).row(pipe)).toBeUndefined();
  });

  it("[L-8] one that is not acknowledged is remembered again", async () => {
    const pipe = at.pipe();
    const writer = await leave(at, pipe, [""]);
    const [one, two] = await at.greetAll(2);
    const first = await one.read(pipe, "plain", { autoAck: false });
    await first.untilEnded(writer);
    first.leave();
    const second = await two.read(pipe);
    await second.untilDone();
    expect(second.seen(writer).ended).toBe("eof");
  });
}

export function lawOfBroadcast(start: Start): void {
  parts(start, { broadcast, "one delivery": oneDelivery, EOF: endOfFile, signals });
}
