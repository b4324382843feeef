import { describe, expect, it } from "vitest";
import { Flag } from "../../satellite/wire/frame.ts";
import { Stage } from "./stage.ts";

describe("a restart", () => {
  it("[S-9] [L-2] the backlog and its order are still there", async () => {
    const stage = new Stage();
    const end = stage.end();
    for (const text of ["a\n", "b\n"]) end.finish(end.open("x"), text);
    stage.restart();
    const first = stage.end().read("x");
    await stage.settle();
    const second = stage.end().read("x");
    await stage.settle();
    expect([first.text, second.text, first.done, second.done]).toEqual(["a\n", "b\n", true, true]);
  });

  it("[S-10] [L-11] what flowed live goes on where the ends are, with no gap and no repeat", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    for (const text of ["ab", "cd"]) writerEnd.write(writer, text, Flag.binary);
    stage.restart();
    readerEnd.resume();
    writerEnd.resume();
    writerEnd.write(writer, "ef", Flag.binary);
    writerEnd.finish(writer, "", Flag.binary);
    expect([reader.text, reader.done, writer.endSafe]).toEqual(["abcdef", true, true]);
  });

  it("[S-10] [W-4] nothing is safe that the satellite has not got again, however far its readers are", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    stage.deafen(writerEnd.connectionNumber);
    for (const text of ["ab", "cd"]) writerEnd.write(writer, text, Flag.binary);
    stage.restart();
    writerEnd.holdsBack = true;
    writerEnd.resume();
    readerEnd.resume();
    expect([reader.text, writer.safe]).toEqual(["abcd", 0]);
    writerEnd.sendHeldBack();
    expect(writer.safe).toBe(4);
  });

  it("[S-10] [L-4] what went live is not begun by others before its writer has said how far it was", () => {
    const stage = new Stage();
    const readerEnd = stage.end();
    const reader = readerEnd.read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x", { kind: "binary" });
    writerEnd.write(writer, "ab", Flag.binary);
    stage.restart();
    readerEnd.resume();
    readerEnd.say({ type: "leave", ref: reader.ref });
    const late = stage.end().read("x", "one");
    writerEnd.resume();
    expect([late.text, late.streams, writer.error]).toEqual(["", [], "aborted"]);
  });

  it("[S-9] a writer learns of an end that its reader acknowledged just before", () => {
    const stage = new Stage();
    const reader = stage.end().read("x");
    const writerEnd = stage.end();
    const writer = writerEnd.open("x");
    const { connectionNumber } = writerEnd;
    writerEnd.write(writer, "once\n");
    stage.deafen(connectionNumber);
    writerEnd.finish(writer);
    expect([reader.done, writer.endSafe]).toEqual([true, false]);
    stage.restart();
    writerEnd.resume();
    expect(writer.endSafe).toBe(true);
    expect(stage.end().read("x").text).toBe("");
  });

  it("[L-12] what a reader held stays its own for takeoverMs after the restart", async () => {
    const stage = new Stage();
    const end = stage.end();
    end.finish(end.open("x"), "mine\n");
    const holder = stage.end({ autoAck: false });
    const held = holder.read("x");
    await stage.settle();
    stage.restart();
    const newcomer = stage.end().read("x");
    await stage.settle();
    expect(newcomer.text).toBe("");
    stage.advance(stage.limits.takeoverMs);
    await stage.settle();
    expect(newcomer.text).toBe("mine\n");
    holder.resume();
    expect([held.text, held.error]).toEqual(["mine\n", "replaced"]);
  });

  it("[S-11] facts go to the journal before anything that follows from them is sent", () => {
    const stage = new Stage();
    const end = stage.end();
    stage.effects.length = 0;
    end.open("x");
    end.read("y");
    const types = stage.effects.map(({ type }) => type);
    expect(types.indexOf("note")).toBe(0);
    expect(types.lastIndexOf("note")).toBeLessThan(types.lastIndexOf("send"));
  });
});
