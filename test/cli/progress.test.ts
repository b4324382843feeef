/** The status line: what it says, and that it is gone when something else is said. */
import { expect, it } from "vitest";
import { Progress, renderPassage } from "../../cli/terminal/progress.ts";
import { Teller } from "../../cli/terminal/teller.ts";

/** What a terminal shows after it got `text`: carriage returns and "erase to the end of the line" are obeyed. */
function shown(text: string): string {
  const lines = [""];
  for (const [part = ""] of text.matchAll(/\r\u001b\[K|\n|[^\r\n]+/g)) {
    if (part === "\n") lines.push("");
    else if (part.startsWith("\r")) lines[lines.length - 1] = "";
    else lines[lines.length - 1] += part;
  }
  return lines.join("\n");
}

function stage(options: { quiet?: boolean; json?: boolean; isTerminal?: boolean; columns?: number } = {}): {
  teller: Teller;
  text: () => string;
} {
  let text = "";
  const teller = new Teller({
    quiet: options.quiet,
    json: options.json,
    isTerminal: options.isTerminal ?? true,
    columns: () => options.columns ?? 80,
    write: (more) => {
      text += more;
    },
  });
  return { teller, text: () => text };
}

const passage = { waiting: "waiting …", bytes: 0, size: null, elapsedMs: null, bytesPerSecond: 0 };

it("says what is waited for, then nothing for a second, then bytes and rate", () => {
  expect(renderPassage(passage)).toBe("waiting …");
  expect(renderPassage({ ...passage, bytes: 5, elapsedMs: 999 })).toBe("");
  expect(renderPassage({ ...passage, bytes: 3_145_728, elapsedMs: 1500, bytesPerSecond: 2_097_152 })).toBe(
    "3.0 MiB  2.0 MiB/s",
  );
});

it("says percent and ETA where the size is known", () => {
  const known = { ...passage, bytes: 1_048_576, size: 4_194_304, elapsedMs: 1000, bytesPerSecond: 1_048_576 };
  expect(renderPassage(known)).toBe("1.0 MiB of 4.0 MiB  25 %  1.0 MiB/s  ETA 0:03");
  expect(renderPassage({ ...known, bytesPerSecond: 0 })).toBe("1.0 MiB of 4.0 MiB  25 %  0 B/s");
  expect(renderPassage({ ...known, bytes: 5_242_880 })).toBe("5.0 MiB  1.0 MiB/s"); // the file grew
});

it("follows a passage by the clock, and leaves nothing", () => {
  const { teller, text } = stage();
  let nowMs = 0;
  const progress = new Progress(teller, "waiting for a writer …", () => nowMs);
  progress.start();
  expect(shown(text())).toBe("waiting for a writer …");
  progress.expect(10_240);
  progress.add(1024);
  expect(shown(text())).toBe("");
  nowMs = 500;
  progress.tick();
  expect(shown(text())).toBe("");
  progress.add(4096);
  nowMs = 1500;
  progress.tick();
  expect(shown(text())).toMatch(/^5\.0 KiB of 10\.0 KiB {2}50 % {2}[\d.]+ KiB\/s {2}ETA 0:0\d$/);
  progress.stop();
  expect(shown(text())).toBe("");
  expect(progress.bytes).toBe(5120);
});

it("may wait again", () => {
  const { teller, text } = stage();
  const progress = new Progress(teller, "one", () => 0);
  progress.start();
  progress.add(1);
  progress.wait("two");
  expect(shown(text())).toBe("two");
  progress.stop();
  expect(shown(text())).toBe("");
});

it("a sentence stands on a line of its own, and the status line comes back below", () => {
  const { teller, text } = stage();
  teller.status("half way");
  teller.say("something happened");
  expect(shown(text())).toBe("skypipe: something happened\nhalf way");
  teller.status("");
  expect(shown(text())).toBe("skypipe: something happened\n");
});

it("is never longer than the terminal is wide", () => {
  const { teller, text } = stage({ columns: 10 });
  teller.status("0123456789abcdef");
  expect(shown(text())).toBe("012345678");
});

it("is not written again while it is the same", () => {
  const { teller, text } = stage();
  teller.status("same");
  const once = text();
  teller.status("same");
  expect(text()).toBe(once);
});

it("leaves no trace where there is no terminal, or with -q", () => {
  for (const { teller, text } of [stage({ isTerminal: false }), stage({ quiet: true })]) {
    const progress = new Progress(teller, "waiting …");
    progress.start();
    progress.add(1);
    progress.tick();
    progress.stop();
    expect(text()).toBe("");
  }
});

it("-q says failures only, --json says nothing but its line", () => {
  const quiet = stage({ quiet: true });
  quiet.teller.note("good to know");
  quiet.teller.say("failed");
  expect(quiet.text()).toBe("skypipe: failed\n");

  const json = stage({ json: true });
  json.teller.note("good to know");
  json.teller.say("failed");
  json.teller.line("{}");
  expect(json.text()).toBe("{}\n");
});
