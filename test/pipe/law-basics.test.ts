import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { Stage } from "./stage.ts";

describe("one stream", () => {
  it("[L-1] [L-4] flows to a reader that waited", () => {
    const stage = new Stage();
    const reader = stage.end().read("x");
    const end = stage.end();
    const writer = end.open("x");
    end.write(writer, "a\n");
    end.finish(writer, "b\n");
    expect(reader.text).toBe("a\nb\n");
    expect(reader.done).toBe(true);
    expect(writer.endSafe).toBe(true);
  });

  it("[L-1] [L-2] [L-3] waits in the store, oldest first, one for each reader", async () => {
    const stage = new Stage();
    const end = stage.end();
    for (const text of ["a\n", "b\n"]) {
      const writer = end.open("x");
      end.finish(writer, text);
      expect(writer.endSafe).toBe(true);
    }
    const first = stage.end().read("x");
    await stage.settle();
    const second = stage.end().read("x");
    await stage.settle();
    expect([first.text, second.text]).toEqual(["a\n", "b\n"]);
    expect([first.done, second.done]).toEqual([true, true]);
    end.say({ type: "bye" });
  });

  it("[L-3] stays whole for the next until its end is acknowledged", async () => {
    const stage = new Stage();
    const end = stage.end();
    end.finish(end.open("x"), "whole\n");
    const lazy = stage.end({ autoAck: false });
    const first = lazy.read("x");
    await stage.settle();
    expect(first.text).toBe("whole\n");
    lazy.say({ type: "leave", ref: first.ref });
    const second = stage.end().read("x");
    await stage.settle();
    expect(second.text).toBe("whole\n");
    expect(second.done).toBe(true);
  });

  it("[L-8] is a signal when it is empty: remembered, and broadcast", async () => {
    const stage = new Stage();
    const end = stage.end();
    end.finish(end.open("t"));
    const late = stage.end().read("t");
    await stage.settle();
    expect(late.done).toBe(true);
    const waiting = [stage.end().read("t"), stage.end().read("t")];
    end.finish(end.open("t"), "\n");
    expect(waiting.map((reader) => [reader.text, reader.done])).toEqual([
      ["\n", true],
      ["\n", true],
    ]);
  });

  it("[L-7] a merge ends with the last of its streams, and text that opens before joins it", () => {
    const stage = new Stage();
    const reader = stage.end().read("x");
    const end = stage.end();
    const a = end.open("x");
    end.write(a, "a1\n");
    const b = end.open("x");
    end.finish(a);
    end.write(b, "b1\n");
    expect(reader.done).toBe(false);
    end.finish(b);
    expect(reader.text).toBe("a1\nb1\n");
    expect(reader.done).toBe(true);
  });

  it("[L-6] a merge switches only at a place to switch, and waits 5 s at most in mid-line", () => {
    const stage = new Stage();
    const reader = stage.end().read("x");
    const end = stage.end();
    const a = end.open("x");
    const b = end.open("x");
    end.write(a, "half ", 0);
    end.write(b, "b\n");
    expect(reader.text).toBe("half ");
    end.write(a, "line\n");
    expect(reader.text).toBe("half line\nb\n");
    end.write(a, "again ", 0);
    end.write(b, "c\n");
    stage.advance(stage.limits.midLineMs - 1);
    expect(reader.text).toBe("half line\nb\nagain ");
    stage.advance(1);
    expect(reader.text).toBe("half line\nb\nagain c\n");
  });

  it("[L-5] [W-7] the kind is known with the first chunk: alone, or out of a merge that has begun", () => {
    const stage = new Stage();
    const first = stage.end().read("x");
    const end = stage.end();
    const text = end.open("x");
    const binary = end.open("x");
    end.write(text, "t\n");
    end.write(binary, "\0\0", Flag.binary);
    expect(first.text).toBe("t\n");
    const second = stage.end().read("x");
    end.finish(binary, "\0", Flag.binary);
    end.finish(text, "u\n");
    expect(first.text).toBe("t\nu\n");
    expect(first.done).toBe(true);
    expect(second.done || second.text === "").toBe(true);
  });

  it("[L-9] an abort is told at once, and what is left of it belongs to the next merge", async () => {
    const stage = new Stage({ graceMs: 1000 });
    const lost = stage.end();
    const writer = lost.open("x");
    lost.write(writer, "rest\n");
    lost.cut();
    stage.advance(1000);
    const reader = stage.end().read("x");
    await stage.settle();
    expect(reader.text).toBe("rest\n");
    expect([...reader.ends.values()]).toEqual(["aborted"]);
    expect(reader.done).toBe(true);
    const live = stage.end().read("y");
    const second = stage.end();
    const w2 = second.open("y");
    second.write(w2, "half", 0);
    second.say({ type: "abort", ref: w2.ref });
    expect([...live.ends.values()]).toEqual(["aborted"]);
    expect(live.done).toBe(true);
  });

  it("[S-4] [S-5] [L-11] resumes on both sides with no gap and no repeat", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    for (let i = 0; i < 50; i++) {
      writerEnd.write(writer, `${i}\n`);
      if (i % 7 === 3) readerEnd.cut();
      if (i % 7 === 5) readerEnd.resume();
      if (i % 11 === 4) writerEnd.cut();
      if (i % 11 === 9) writerEnd.resume();
    }
    readerEnd.resume();
    writerEnd.resume();
    writerEnd.finish(writer);
    expect(reader.text).toBe(Array.from({ length: 50 }, (_, i) => `${i}\n`).join(""));
    expect(reader.done).toBe(true);
    expect(writer.endSafe).toBe(true);
  });

  it("[L-12] a newcomer takes over after 5 s from the lowest unacknowledged line; the ghost is told", () => {
    const stage = new Stage();
    const ghostEnd = stage.end({ autoAck: false });
    const ghost = ghostEnd.read("x");
    const end = stage.end();
    const writer = end.open("x");
    end.write(writer, "1\n");
    end.write(writer, "2\n");
    expect(ghost.text).toBe("1\n2\n");
    const first = ghost.waitingAcks.shift();
    ghost.waitingAcks.length = 0;
    ghostEnd.say({ type: "ack", ref: ghost.ref, stream: first?.stream ?? 0, offset: first?.offset ?? 0 });
    ghostEnd.cut();
    const newcomer = stage.end().read("x");
    end.write(writer, "3\n");
    stage.advance(stage.limits.takeoverMs - 1);
    expect(newcomer.text).toBe("");
    stage.advance(1);
    expect(newcomer.text).toBe("2\n3\n");
    ghostEnd.resume();
    expect(ghost.error).toBe("replaced");
  });
});
