import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Pace, paced } from "../../cli/terminal/pace.ts";
import { Tagger } from "../../cli/terminal/tag.ts";
import type { StreamBegins } from "../../satellite/wire/messages.ts";

function begins(stream: number, host?: string): StreamBegins {
  return { type: "stream", ref: 1, stream, offset: 0, ...(host === undefined ? {} : { host }) };
}

function tagged(tagger: Tagger, stream: StreamBegins, text: string): string {
  return Buffer.from(tagger.tag(stream, Buffer.from(text))).toString();
}

it("--tag puts the host before each line, once, however a line is cut", () => {
  const tagger = new Tagger();
  const [web, db, unnamed] = [begins(1, "web"), begins(2, "db"), begins(3)];
  expect(tagged(tagger, web, "one\ntwo\n")).toBe("web: one\nweb: two\n");
  expect(tagged(tagger, web, "thr")).toBe("web: thr");
  expect(tagged(tagger, web, "ee\nfour\n")).toBe("ee\nweb: four\n");
  expect(tagged(tagger, db, "\n\n")).toBe("db: \ndb: \n");
  expect(tagged(tagger, unnamed, "who\n")).toBe("?: who\n");
  expect(tagged(tagger, web, "")).toBe("");
});

it("--tag: a stream that ends in mid-line leaves nothing behind", () => {
  const tagger = new Tagger();
  tagged(tagger, begins(1, "web"), "unfinished");
  tagger.end(begins(1, "web"));
  expect(tagged(tagger, begins(1, "web"), "new\n")).toBe("web: new\n");
});

it("--tag: without the tags it is what was sent", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab\n]*$/)), (chunks) => {
      const tagger = new Tagger();
      const out = chunks.map((chunk) => tagged(tagger, begins(1, "h"), chunk)).join("");
      expect(out.replaceAll("h: ", "")).toBe(chunks.join(""));
    }),
  );
});

it("--limit: over a while no more passes than the rate allows, and no less", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 200 }), (rate, pieces) => {
      let nowMs = 0;
      const pace = new Pace(rate, () => nowMs);
      for (let i = 0; i < pieces; i++) nowMs += pace.take(pace.pieceBytes);
      const bytes = pieces * pace.pieceBytes;
      // The first piece is free.
      expect(nowMs).toBeCloseTo(((bytes - pace.pieceBytes) / rate) * 1000, 3);
    }),
  );
});

it("--limit: idling saves up no more than one piece", () => {
  let nowMs = 0;
  const pace = new Pace(1000, () => nowMs);
  expect(pace.take(100)).toBe(0);
  nowMs = 60_000;
  expect(pace.take(100)).toBe(0);
  expect(pace.take(100)).toBe(100);
});

it("--limit: every byte is handed over, and the rest at once for whoever is in a hurry", async () => {
  const bytes = Buffer.from("0123456789".repeat(50));
  const pieces: Uint8Array[] = [];
  await paced(new Pace(1e9), bytes, (piece) => void pieces.push(piece));
  expect(Buffer.concat(pieces)).toEqual(bytes);

  const hurried: Uint8Array[] = [];
  await paced(
    new Pace(10),
    bytes,
    (piece) => void hurried.push(piece),
    () => hurried.length > 0,
  );
  expect(Buffer.concat(hurried)).toEqual(bytes);
  expect(hurried).toHaveLength(2);
});
