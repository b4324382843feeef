/** How both kinds of end come back, at every point where a connection can be cut. PROTOCOL §5. */
import { expect, it } from "vitest";
import { fence, leave, parts, place, type Start } from "./harness.ts";

function resumeWriters(start: Start): void {
  const at = place(start, { graceMs: 60_000 });

  it("[S-4] [S-5] [C-3] before `opened`: the repeated open has no second effect", async () => {
    const pipe = at.pipe();
    const [end, other] = await at.greetAll(2);
    await end.open(at.pipe());
    const writer = end.opening(pipe);
    await end.cut();
    expect((await end.resume()).welcome).toMatchObject({ resumed: true });
    end.send(writer.request);
    await end.until("opened", () => writer.stream > 0);
    writer.finish("once\n");
    await writer.untilEndSafe();
    expect(await other.row(pipe)).toMatchObject({ streams: 1, bytes: 5 });
  });

  it("[S-4] [C-3] a repeated open gets the same answer again", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe);
    await end.next("opened", { ref: writer.ref });
    writer.write("abc\n");
    await writer.untilSafe();
    await end.cut();
    await end.resume();
    end.send(writer.request);
    const { stream, received } = await end.next("opened", { ref: writer.ref });
    expect({ stream, received }).toEqual({ stream: writer.stream, received: 4 });
    expect(await end.row(pipe)).toMatchObject({ streams: 1 });
  });

  it("[S-4] [W-3] in the middle of data: goes on from `received`, and nothing is doubled", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    for (let line = 0; line < 20; line += 1) writer.write(`line ${line}\n`);
    await writing.cut();
    const { welcome } = await writing.resume();
    expect(welcome.resumed).toBe(true);
    const opened = await writing.next("opened", { ref: writer.ref });
    expect(opened.stream).toBe(writer.stream);
    expect(opened.received).toBeGreaterThanOrEqual(opened.safe);
    writer.resend(opened.received);
    writer.finish("end\n");
    await reader.untilDone();
    await writer.untilEndSafe();
    expect(reader.text).toBe(`${Array.from({ length: 20 }, (_, line) => `line ${line}\n`).join("")}end\n`);
  });

  it("[S-4] `opened` tells of what was received and safe before the cut", async () => {
    const end = await at.greet();
    const writer = await end.open(at.pipe());
    await end.next("opened");
    writer.write("0123456789\n");
    await writer.untilSafe();
    await end.cut();
    await end.resume();
    const opened = await end.next("opened", { ref: writer.ref });
    expect(opened).toMatchObject({ received: 11, safe: 11 });
    expect(opened.credit).toBeGreaterThan(11);
  });

  it("[S-4] [W-1] at FINAL: sent again it has no second effect, and its ack comes again", async () => {
    const pipe = at.pipe();
    const end = await at.greet();
    const writer = await end.open(pipe);
    writer.finish("all\n");
    await writer.untilEndSafe();
    await end.cut();
    writer.isEndSafe = false;
    await end.resume();
    writer.resend(0);
    await writer.untilEndSafe();
    expect(await end.row(pipe)).toMatchObject({ streams: 1, bytes: 4 });
  });

  it("[S-4] before the ack of the end: it comes after the resume", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.finish("all\n");
    await reader.untilEnded(writer);
    await writing.cut();
    reader.ackAll();
    await reader.untilDone();
    await writing.resume();
    await writer.untilEndSafe();
    expect(writer.safe).toBe(4);
  });

  it("[S-4] an empty FINAL that was lost with the connection is sent again", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    await writing.cut();
    await writing.resume();
    writer.finish();
    await reader.untilDone();
    expect(reader.seen(writer).ended).toBe("eof");
    await writer.untilEndSafe();
  });

  it("[S-4] [W-6] `taken` is told again", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const writer = await writing.open(pipe, { sync: true });
    writer.finish("all\n");
    await writer.untilEndSafe();
    await writing.cut();
    const reader = await reading.read(pipe);
    await reader.untilDone();
    await writing.resume();
    await writing.until("taken", () => writer.isTaken);
  });

  it("[S-4] an error that came while it was away is told after the resume", async () => {
    const pipe = at.pipe();
    const [writing, other] = await at.greetAll(2);
    const writer = await writing.open(pipe);
    writer.write("x\n");
    await writer.untilSafe();
    await writing.cut();
    expect(await other.remove(pipe)).toMatchObject({ streams: 1 });
    await writing.resume();
    expect(await writer.untilFailed()).toMatchObject({ code: "removed" });
  });

  it("[S-5] an abort held back while it was away counts after the resume", async () => {
    const pipe = at.pipe();
    const [writing, reading] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("half\n");
    await reader.untilText("half\n");
    await writing.cut();
    await writing.resume();
    writer.abort("killed");
    await reader.untilDone();
    expect(reader.seen(writer)).toMatchObject({ ended: "aborted", reason: "killed" });
  });
}

function resumeReaders(start: Start): void {
  const at = place(start, { graceMs: 60_000, takeoverMs: 60_000 });

  it("[S-4] [C-3] before `attached`: the repeated read has no second effect", async () => {
    const pipe = at.pipe();
    const [end, other] = await at.greetAll(2);
    await end.read(at.pipe());
    const reader = end.reading(pipe);
    await end.cut();
    await end.resume({ readers: [] });
    end.send(reader.request);
    await end.until("attached", () => reader.isAttached);
    await fence(end);
    expect(await other.row(pipe)).toMatchObject({ readers: 1 });
    await leave(at, pipe, ["once\n"]);
    await reader.untilDone();
    expect(reader.text).toBe("once\n");
  });

  it("[S-4] while it waits: what came in the meantime is there", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    await reading.cut();
    const writer = await writing.open(pipe);
    writer.finish("while you were away\n");
    await fence(writing);
    await reading.resume();
    await reader.untilDone();
    expect(reader.text).toBe("while you were away\n");
    await writer.untilEndSafe();
  });

  it("[S-4] [R-6] in the middle of data: from the offset that `resume` names", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
    await reader.untilText("a\nb\nc\n");
    await reading.cut();
    writer.write("d\n");
    await fence(writing);
    await reading.resume();
    const { offset } = await reading.next("stream", { stream: writer.stream, offset: 6 });
    expect(offset).toBe(6);
    writer.finish("e\n");
    await reader.untilText("a\nb\nc\nd\ne\n");
    reader.ackAll();
    await reader.untilDone();
    await writer.untilEndSafe();
  });

  it("[S-4] in the middle of data: from what it acknowledged, where `resume` names nothing", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
    await reader.untilText("a\nb\nc\n");
    reader.ack(writer.stream, 4);
    await fence(reading);
    await reading.cut();
    await reading.resume({ readers: [] });
    await reading.next("stream", { stream: writer.stream, offset: 4 });
    reader.ackAll();
    writer.finish();
    await reader.untilDone();
    expect(reader.text).toBe("a\nb\nc\n");
  });

  it("[S-4] at FINAL: the end comes again, and its ack frees the writer", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.finish("all\n");
    await reader.untilEnded(writer);
    await reading.cut();
    await reading.resume({ readers: [{ ref: reader.ref, streams: [[writer.stream, 0, 0, 0]] }] });
    reader.ackAll();
    await reader.untilDone();
    await writer.untilEndSafe();
    expect(reader.text).toBe("all\n");
  });

  it("[S-4] after the last chunk: FINAL is told again though every byte is there", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe, "plain", { autoAck: false });
    const writer = await writing.open(pipe);
    writer.write("all\n");
    await reader.untilText("all\n");
    await reading.cut();
    writer.finish();
    await fence(writing);
    await reading.resume();
    await reader.untilEnded(writer);
    reader.ackAll();
    await reader.untilDone();
  });

  it("[S-4] before `done`: it is told again", async () => {
    const pipe = at.pipe();
    const [reading, keeping] = await at.greetAll(2);
    await reading.read(at.pipe());
    const reader = await reading.read(pipe);
    const writer = await keeping.open(pipe);
    writer.finish("all\n");
    await reader.untilDone();
    await reading.cut();
    reader.isDone = false;
    await reading.resume();
    await reader.untilDone();
  });

  it("[S-4] an abort that came while it was away is told after the resume", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("half\n");
    await reader.untilText("half\n");
    await reading.cut();
    writer.abort("killed");
    await fence(writing);
    await reading.resume();
    await reader.untilDone();
    expect(reader.seen(writer)).toMatchObject({ ended: "aborted", reason: "killed" });
  });

  it("[S-4] [L-11] a reader cut after every few lines gets each byte once", async () => {
    const pipe = at.pipe();
    const [reading, writing] = await at.greetAll(2);
    const reader = await reading.read(pipe, "follow", { autoAck: false });
    const writer = await writing.open(pipe);
    const lines = Array.from({ length: 60 }, (_, line) => `line ${line}\n`);
    for (const [index, line] of lines.entries()) {
      writer.write(line);
      if (index % 7 === 3) {
        await reader.untilBytes(lines.slice(0, index - 1).join("").length);
        if (index % 2 === 0) reader.ack(writer.stream, reader.seen(writer).offset);
        await reading.cut();
        await reading.resume();
      }
    }
    await reader.untilText(lines.join(""));
  });

  it("[S-4] a session with several readers and writers gets everything back", async () => {
    const [end, other] = await at.greetAll(2);
    const pipes = [at.pipe(), at.pipe(), at.pipe()] as const;
    const readers = [await end.read(pipes[0]), await end.read(pipes[1], "follow")] as const;
    const own = await end.open(pipes[2]);
    const feeding = [await other.open(pipes[0]), await other.open(pipes[1])] as const;
    feeding[0].write("zero\n");
    feeding[1].write("one\n");
    own.write("two\n");
    await readers[0].untilText("zero\n");
    await readers[1].untilText("one\n");
    await own.untilSafe();
    await end.cut();
    await end.resume();
    await end.next("attached", { ref: readers[0].ref });
    await end.next("attached", { ref: readers[1].ref });
    await end.next("opened", { ref: own.ref });
    feeding[0].finish("0\n");
    feeding[1].finish("1\n");
    await readers[0].untilText("zero\n0\n");
    await readers[1].untilText("one\n1\n");
    own.finish("2\n");
    await own.untilEndSafe();
  });
}

export function resumeSuite(start: Start): void {
  parts(start, { "writers that resume": resumeWriters, "readers that resume": resumeReaders });
}
