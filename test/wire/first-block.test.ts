import { expect, it } from "vitest";
import { FirstBlock } from "../../satellite/wire/first-block.ts";

function blockOf(...parts: [text: string, atMs: number][]): FirstBlock {
  const block = new FirstBlock();
  for (const [text, atMs] of parts) block.push(Buffer.from(text), atMs);
  return block;
}

it.each<[string, [string, number][], boolean]>([
  ["nothing", [], false],
  ["half a line", [["half a ", 0]], false],
  [
    "a line",
    [
      ["half a ", 0],
      ["line\n", 10],
    ],
    true,
  ],
  [
    "a line and a half",
    [
      ["line\n", 0],
      ["hal", 10],
    ],
    false,
  ],
  [
    "4 KiB",
    [
      ["x".repeat(4_095), 0],
      ["x", 0],
    ],
    true,
  ],
])("%s decides the kind of a stream: %o is enough: %s", (_, parts, isEnough) => {
  expect(blockOf(...parts).isEnough).toBe(isEnough);
});

it("50 ms after its first byte it is enough, whatever has come", () => {
  expect(blockOf().deadlineMs).toBeNull();
  expect(blockOf(["", 5]).deadlineMs).toBeNull();
  expect(blockOf(["a", 7], ["b", 40]).deadlineMs).toBe(57);
});

it("its first 4 KiB say which kind it is, and it keeps all that came", () => {
  expect(blockOf().kind).toBe("text");
  expect(blockOf(["text\n", 0]).kind).toBe("text");
  expect(blockOf(["te", 0], ["\0t\n", 1]).kind).toBe("binary");
  const late = blockOf(["a".repeat(4_096), 0], ["\0", 0]);
  expect(late.kind).toBe("text");
  expect(late.bytes).toHaveLength(4_097);
});
