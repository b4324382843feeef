/** One table gives the exit code of everything that can be thrown. */
import { expect, it } from "vitest";
import { SkypipeError } from "../../cli/client/errors.ts";
import { about, asError, errorFacts, exitCodeOf, sentenceOf } from "../../cli/commands/common/failure.ts";
import { Exit, systemReason } from "../../cli/terminal/exit.ts";
import { outputExit } from "../../cli/terminal/output.ts";
import { type ErrorCode, errorTable, WireError } from "../../satellite/wire/errors.ts";

/** What a failed system call throws. */
function failed(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const codes = Object.keys(errorTable) as ErrorCode[];

it.each(codes)("%s has the exit code of the table, whoever throws it", (code) => {
  expect(exitCodeOf(new WireError(code, ""))).toBe(errorTable[code].exit);
  expect(exitCodeOf(new SkypipeError(code, ""))).toBe(errorTable[code].exit);
});

it.each([
  ["usage", 2],
  ["unreachable", 3],
  ["going-away", 3],
  ["version", 3],
  ["unauthorized", 4],
  ["forbidden", 4],
  ["aborted", 5],
  ["removed", 5],
  ["replaced", 5],
  ["expired", 5],
  ["behind", 6],
  ["timeout", 124],
  ["internal", 1],
] as const)("DESIGN.md §5: %s is %d", (code, exitCode) => {
  expect(errorTable[code].exit).toBe(exitCode);
});

it("what is unexpected is 1, in one sentence without a stack", () => {
  const error = new TypeError("x is\nnot a function");
  expect(exitCodeOf(error)).toBe(1);
  expect(exitCodeOf("thrown")).toBe(1);
  expect(sentenceOf(error)).toBe("unexpected: x is not a function; set SKYPIPE_DEBUG=1 to see where");
  expect(errorFacts(error)).toMatchObject({ code: "failed" });
  expect(asError("thrown").message).toBe("thrown");
});

it("a failure of a pipe's end names the pipe, once; others are left alone", () => {
  const removed = about("logs", new WireError("removed", "somebody removed it"));
  expect(removed).toMatchObject({ code: "removed", message: "pipe 'logs': somebody removed it" });
  expect(about("logs", removed)).toBe(removed);
  expect(about("", new WireError("behind", "it was too slow")).message).toBe(
    "the default pipe: it was too slow",
  );
  const unreachable = new WireError("unreachable", "nobody is there");
  expect(about("logs", unreachable)).toBe(unreachable);
});

it("a write that failed: a closed output is silent, anything else is said", () => {
  expect(outputExit(failed("EPIPE"))).toMatchObject({ exitCode: 141, message: "" });
  expect(outputExit(failed("ENOSPC"))).toMatchObject({ exitCode: 1 });
  const exit = new Exit(141, "");
  expect(outputExit(exit)).toBe(exit);
  expect(systemReason(failed("EWHATEVER"))).toBe("EWHATEVER");
});
