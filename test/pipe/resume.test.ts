import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { End, Stage, type TestReader } from "./stage.ts";

/** Comes back without a word of what it has begun: what told it of that has not arrived. */
function resumeWithNothing(end: End, reader: TestReader): void {
  const { session, secret } = end;
  end.connect({ session, secret, writers: [], readers: [{ ref: reader.ref, streams: [] }] });
}

describe("a reader that resumes", () => {
  it("[R-6] [L-7] goes on with the binary stream that it is inside of, whatever else it has not acknowledged", () => {
    const stage = new Stage();
    const readerEnd = stage.end({ autoAck: false });
    const reader = readerEnd.read("x", "follow");
    const end = stage.end();
    const inside = end.open("x", { kind: "binary" });
    const ended = end.open("x", { kind: "binary" });
    end.write(ended, "whole", Flag.binary);
    end.write(inside, "ab", Flag.binary);
    end.finish(ended, "", Flag.binary);
    end.finish(end.open("x"), "text\n");
    expect(reader.text).toBe("wholeab");
    readerEnd.cut();
    readerEnd.resume();
    expect(reader.text).toBe("wholeab");
    end.finish(inside, "cd", Flag.binary);
    expect(reader.text).toBe("wholeabcdtext\n");
  });

  it("[R-2] [L-5] learns again of a stream that was taken away from it", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const end = stage.end();
    const text = end.open("x");
    const late = end.open("x");
    end.write(text, "a\n");
    const { session, secret } = readerEnd;
    readerEnd.cut();
    const streams: [number, number, number, number][] = [
      [text.stream, 2, 2, 0],
      [late.stream, 0, 0, 0],
    ];
    end.write(late, "binary", Flag.binary);
    readerEnd.connect({ session, secret, writers: [], readers: [{ ref: reader.ref, streams }] });
    expect(reader.withdrawn).toEqual([late.stream]);
  });

  it("[L-14] a tap that was told of nothing begins at the start of a line", () => {
    const stage = new Stage();
    const end = stage.end();
    const holder = stage.end({ autoAck: false });
    holder.read("x", "follow");
    const writer = end.open("x");
    const tapEnd = stage.end();
    const tap = tapEnd.read("x", "tap");
    stage.deafen(tapEnd.connectionNumber);
    end.write(writer, "line 1\n");
    end.write(writer, "line ", Flag.boundary);
    resumeWithNothing(tapEnd, tap);
    end.write(writer, "2\n");
    expect(tap.text).toBe("line 1\nline 2\n");
  });
});

it("[L-12] who comes after one that has waited for a line begins at the start of a line", async () => {
  const stage = new Stage({ maxLagBytes: 4 });
  const end = stage.end();
  const writer = end.open("x");
  const slow = stage.end({ autoAck: false }).read("x", "follow");
  end.write(writer, "line 1\n");
  end.write(writer, "line ", Flag.boundary);
  const waitingEnd = stage.end();
  const waiting = waitingEnd.read("x", "follow");
  end.write(end.open("x"), "other\n");
  expect([slow.error, waiting.text]).toEqual(["behind", "other\n"]); // and leaves nothing [L-14]
  waitingEnd.say({ type: "leave", ref: waiting.ref });
  const next = stage.end().read("x", "follow");
  await stage.settle();
  end.write(writer, "2\n");
  expect([waiting.text, next.text]).toEqual(["other\n", "line 2\n"]);
});

it("[C-7] [S-6] what was removed while its writer was away does not come again", () => {
  const stage = new Stage();
  const reader = stage.end().read("x", "follow");
  const writerEnd = stage.end();
  writerEnd.write(writerEnd.open("x"), "a\n");
  writerEnd.cut();
  stage.end().say({ type: "remove", ref: 1, pipe: "x" });
  stage.advance(stage.limits.graceMs);
  writerEnd.resume();
  expect([...reader.ends.values()]).toEqual(["removed"]);
  expect(writerEnd.log).toContainEqual(expect.objectContaining({ type: "expired", received: 2 }));
});

it("[L-5] [L-7] a stream that was read by others is gone when a reader gives it back", () => {
  const stage = new Stage();
  const end = stage.end();
  const [quick, slow] = [stage.end(), stage.end({ autoAck: false })];
  quick.read("x");
  slow.read("x");
  const undecided = end.open("x");
  slow.cut();
  end.finish(end.open("x"), "text\n");
  end.write(undecided, "binary", Flag.binary);
  end.finish(undecided, "", Flag.binary);
  slow.resume();
  slow.autoAck = true;
  for (const reader of slow.readers.values()) slow.ackAll(reader);
  for (const each of [end, quick, slow]) each.say({ type: "bye" });
  expect(stage.broker.idle).toBe(true);
});

it("[S-3] a resume that was overtaken on its way changes nothing", () => {
  const stage = new Stage();
  const end = stage.end();
  const reader = end.read("x", "follow");
  const { session, secret } = end;
  const resume = { session, secret, writers: [], readers: [{ ref: reader.ref, streams: [] }] };
  end.connect({ ...resume, attempt: 3 });
  const { connectionNumber } = end;
  const stale = new End(stage, true);
  stale.connect({ ...resume, attempt: 2 });
  expect([stale.closedWith, end.closedWith, end.connectionNumber]).toEqual([
    "superseded",
    null,
    connectionNumber,
  ]);
  const writer = stage.end();
  writer.write(writer.open("x"), "a\n");
  expect(reader.text).toBe("a\n");
});
