import { expect, it } from "vitest";
import { Stage } from "./stage.ts";

it("[L-15] a writer without readers waits while the store is in trouble, and goes on afterwards", () => {
  const stage = new Stage();
  stage.handle({ type: "trouble", isShut: true });
  const end = stage.end();
  const writer = end.open("x");
  end.finish(writer, "kept\n");
  expect(end.log.at(-1)).toMatchObject({ type: "pause" });
  expect(writer.endSafe).toBe(false);
  stage.handle({ type: "trouble", isShut: false });
  expect(end.log.map(({ type }) => type)).toContain("continue");
  expect(writer.endSafe).toBe(true);
});

it("[L-15] a writer is told why it waits, also for what the store was given before the trouble", () => {
  const stage = new Stage();
  stage.holdsDurable = true;
  const end = stage.end();
  const writer = end.open("x");
  end.write(writer, "given\n");
  stage.handle({ type: "trouble", isShut: true });
  expect(end.log.at(-1)).toMatchObject({ type: "pause" });
  stage.handle({ type: "trouble", isShut: false });
  expect(end.log.at(-1)).toMatchObject({ type: "continue" });
  stage.releaseDurable();
  expect(writer.safe).toBe(6);
});

it("[L-10] [L-15] what a `one` reader has stays whole while the store is in trouble: its writer waits", async () => {
  const stage = new Stage();
  const end = stage.end();
  const writer = end.open("x");
  const reader = stage.end();
  const first = reader.read("x", "one");
  end.write(writer, "a\n");
  stage.handle({ type: "trouble", isShut: true });
  end.write(writer, "b\n");
  expect([first.text, writer.safe, end.log.at(-1)?.type]).toEqual(["a\nb\n", 2, "pause"]);
  stage.handle({ type: "trouble", isShut: false });
  expect(writer.safe).toBe(4);
  reader.say({ type: "leave", ref: first.ref });
  const second = stage.end().read("x", "one");
  await stage.settle();
  end.finish(writer, "c\n");
  expect([second.text, second.done, writer.endSafe]).toEqual(["a\nb\nc\n", true, true]);
});

it("[L-9] a stream that the disk has damaged is aborted, and costs nobody else anything", async () => {
  const stage = new Stage();
  const end = stage.end();
  const damaged = end.open("x");
  end.finish(damaged, "lost\n");
  end.finish(end.open("x"), "kept\n");
  const lazy = stage.end({ autoAck: false });
  const reader = lazy.read("x");
  stage.handle({ type: "damaged", stream: damaged.stream });
  expect(reader.ends.get(damaged.stream)).toBe("aborted");
  const next = stage.end().read("x");
  await stage.settle();
  expect(next.text).toBe("kept\n");
});

it("[L-15] [W-5] a writer goes on whose slow reader is cut for the sake of others, though the one left has nothing to acknowledge", () => {
  const line = `${"x".repeat(15)}\n`;
  const stage = new Stage({ windowBytesMin: 64, windowBytesMax: 64, maxBufferBytes: 96 });
  const slow = stage.end({ autoAck: false }).read("x");
  const quickEnd = stage.end();
  const quick = quickEnd.read("x");
  const end = stage.end();
  const writer = end.open("x");
  for (let i = 0; i < 4; i++) end.write(writer, line);
  quickEnd.autoAck = false;
  for (let i = 0; i < 4; i++) end.write(writer, line);
  quickEnd.say({ type: "leave", ref: quick.ref });
  expect([writer.offset, writer.safe, writer.credit]).toEqual([128, 64, 128]);
  const late = stage.end().read("x");
  const other = stage.end();
  other.write(other.open("y"), line.repeat(3));
  expect([slow.error, late.error, late.text]).toEqual(["behind", null, ""]);
  expect([writer.safe, writer.credit]).toEqual([128, 192]);
  end.finish(writer, "on\n");
  expect([late.text, late.done]).toEqual(["on\n", true]);
});

it("[L-10] [W-6] a `sync` writer learns that nobody can have all of what was let go for the `one` reader that has gone", () => {
  const stage = new Stage({ maxBufferBytes: 256, windowBytesMin: 64, windowBytesMax: 64 });
  stage.end().read("x", "follow");
  const readerEnd = stage.end({ autoAck: false });
  const reader = readerEnd.read("x", "one");
  const end = stage.end();
  const writer = end.open("x", { sync: true });
  for (let i = 0; i < 10; i++) end.write(writer, `${"x".repeat(15)}\n`);
  end.finish(writer);
  expect([writer.endSafe, writer.taken, writer.error]).toEqual([true, false, null]);
  readerEnd.say({ type: "leave", ref: reader.ref });
  expect([writer.taken, writer.error]).toEqual([false, "aborted"]);
  expect(stage.end().read("x").text).toBe("");
});
