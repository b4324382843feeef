/** Every exit code of DESIGN §5, with the sentence that goes with it on stderr. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { expect, it } from "vitest";
import { MiB, noiseFile } from "../support/bytes.ts";
import type { Exit } from "../support/proc.ts";
import { useBed } from "../support/use-bed.ts";

/** One sentence, for a person: no stack, no object, no second line. */
function expectSentence(exit: Exit, ...parts: readonly (string | RegExp)[]): void {
  expect(exit.out).toBe("");
  expect(exit.err).toMatch(/^skypipe: [^\n]+\n$/);
  expect(exit.err).not.toMatch(/\[object|undefined|Error:/);
  for (const part of parts) expect(exit.err).toMatch(part);
}

/** A port that nobody listens on. */
async function deafPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

it("0: done, with nothing on stderr", async () => {
  const bed = useBed();
  await bed.satellite();

  expect(await bed.shell("echo one | skypipe x").exits(0)).toMatchObject({ out: "", err: "" });
  expect(await bed.skypipe(["x"]).exits(0)).toMatchObject({ out: "one\n", err: "" });
});

it("1: nothing to show, nothing to remove", async () => {
  const bed = useBed();
  await bed.satellite();

  expectSentence(await bed.skypipe(["peek", "nothing"]).exits(1), "nothing");
  expectSentence(await bed.skypipe(["rm", "nothing"]).exits(1), "nothing");
});

it.each([
  { args: ["recv", "--no-such-option"], says: /--no-such-option/ },
  { args: ["recv", "one", "two"], says: /two|argument/ },
  { args: ["recv", "--timeout", "soon"], says: /soon.*30s|30s.*soon/ },
  { args: ["recv", "--limit", "fast"], says: /fast/ },
  { args: ["recv", "--follow", "--one"], says: /--one/ },
  { args: ["send", "x", "--whole", "--lines"], says: /--lines/ },
  { args: ["send", "x", "no-such-file"], says: /no-such-file/ },
  { args: ["satellite", "--port", "70000"], says: /70000/ },
  { args: ["satellite", "--max-buffer", "much"], says: /much/ },
  { args: ["satellite", "--grace", "-1s"], says: /-1s/ },
  { args: ["setup", "nowhere"], says: /nowhere.*local/ },
])("2: $args", async ({ args, says }) => {
  const bed = useBed();
  bed.env.SKYPIPE_SATELLITE = "http://127.0.0.1:1"; // never asked
  expectSentence(await bed.skypipe(args).exits(2), says);
});

it.each([
  ["201 bytes", "n".repeat(201)],
  ["200 characters, 201 bytes", `${"n".repeat(199)}é`],
  ["a newline", "a\nb"],
  ["an escape", "a\u001B[31m"],
  ["a C1 control", "a\u0085b"],
  ["a DEL", "a\u007F"],
])("2: a name with %s; the rule and an example are named", async (_, name) => {
  const bed = useBed();
  bed.env.SKYPIPE_SATELLITE = "http://127.0.0.1:1";

  for (const args of [["recv", name], ["send", name], [name], ["peek", name], ["rm", name]]) {
    const exit = await bed.skypipe(args).exits(2);
    expectSentence(exit, /200/, /control/);
    expect(exit.err.trimEnd()).not.toMatch(/[\u0000-\u001F\u007F-\u009F]/);
  }
});

it("a name of 200 bytes, with slashes, spaces and whatever people type, is a name", async () => {
  const bed = useBed();
  await bed.satellite();

  for (const name of ["n".repeat(200), "a/b c", "naïve ☃ 雪", "..", "--", "-"]) {
    await bed.skypipe(["send", "--", name], { stdin: { file: "/dev/null" } }).exits(0);
    await bed.pipe(name, { streams: 1 });
    await bed.skypipe(["recv", "--", name]).exits(0);
  }
});

it("3: no satellite is known and there is no terminal to ask on", async () => {
  const bed = useBed();

  for (const exit of [
    await bed.skypipe(["x"]).exits(3),
    await bed.shell("echo lost | skypipe x").exits(3),
    await bed.skypipe(["ls"]).exits(3),
  ]) {
    expectSentence(exit, /skypipe setup\b/, /skypipe setup local/, /SKYPIPE_SATELLITE/);
  }
});

it("3: a satellite that cannot be reached is named with host and port", async () => {
  const bed = useBed();
  const port = await deafPort();

  const tries = ["http", "ws"].map((scheme) =>
    bed.skypipe(["x"], { env: { SKYPIPE_SATELLITE: `${scheme}://127.0.0.1:${port}` } }),
  );
  for (const each of tries) expectSentence(await each.exits(3), `127.0.0.1:${port}`);
});

it("3: what answers there is not a satellite", async () => {
  const bed = useBed();
  const web = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")).listen(
    0,
    "127.0.0.1",
  );
  await once(web, "listening");
  const { port } = web.address() as AddressInfo;

  bed.env.SKYPIPE_SATELLITE = `http://127.0.0.1:${port}`;
  expectSentence(await bed.skypipe(["x"]).exits(3), `127.0.0.1:${port}`);
  web.close();
});

it("4: a wrong token, and none", async () => {
  const bed = useBed();
  writeFileSync(bed.path("token"), "the-right-token\n", { mode: 0o600 });
  await bed.satellite(["--token-file", bed.path("token")]);

  for (const token of ["the-wrong-token", undefined]) {
    for (const args of [["x"], ["send", "x"], ["ls"], ["check"]]) {
      const exit = await bed
        .skypipe(args, token === undefined ? {} : { env: { SKYPIPE_TOKEN: token } })
        .exits(4);
      expectSentence(exit, /token/i);
      expect(exit.err).not.toContain("the-wrong-token");
    }
  }
  const right = { SKYPIPE_TOKEN: "the-right-token" };
  await bed.shell("echo | skypipe x", { env: right }).exits(0);
  await bed.skypipe(["x"], { env: right }).exits(0);
});

it("2: a token is not sent over plain http to another host", async () => {
  const bed = useBed();
  const env = { SKYPIPE_SATELLITE: "http://192.0.2.1:7", SKYPIPE_TOKEN: "precious" };

  const exit = await bed.skypipe(["x"], { env }).exits(2);
  expectSentence(exit, /192\.0\.2\.1/, /SKYPIPE_INSECURE/);
});

it("[C-7][W-6] 5: what is being written, or was sent with --sync, was removed", async () => {
  const bed = useBed();
  await bed.satellite();

  const writer = bed.skypipe(["x"], { stdin: "socket" });
  await writer.write("one\n");
  await bed.pipe("x", { bytes: 4 });
  await bed.skypipe(["rm", "x"]).exits(0);
  expectSentence(await writer.exits(5), /x/, /remove/);

  const sync = bed.shell("echo two | skypipe send x --sync");
  await bed.pipe("x", { bytes: 4 });
  await bed.skypipe(["rm", "x"]).exits(0);
  expectSentence(await sync.exits(5), /x/, /remove/);
});

it("[W-6] send --sync ends when one reader has it all", async () => {
  const bed = useBed();
  await bed.satellite();

  const writer = bed.shell("echo two | skypipe send x --sync");
  await bed.pipe("x", { bytes: 4 });
  expect(writer.running).toBe(true);
  await bed.skypipe(["x"]).exits(0);
  await writer.exits(0);
});

it("[L-14] 6: a reader that fell behind is cut alone and told so", async () => {
  const bed = useBed();
  await bed.satellite(["--max-lag", "1M"]);
  const hash = noiseFile(bed.path("file"), 32 * MiB, 1);

  const fast = bed.skypipe(["big"], { stdout: "hash" });
  const slow = bed.skypipe(["big"], { stdout: "hold" });
  await bed.pipe("big", { readers: 2 });
  await bed.skypipe(["send", "big", bed.path("file")]).exits(0);
  expect((await fast.exits(0)).sha256).toBe(hash);
  slow.release();

  expect((await slow.exits(6)).err).toMatch(/^skypipe: [^\n]*big[^\n]*behind[^\n]*\n$/);
});

it("124: nothing has begun to arrive", async () => {
  const bed = useBed();
  await bed.satellite();

  expectSentence(await bed.skypipe(["recv", "x", "--timeout", "300ms"]).exits(124), /x/, /300 ?ms|0\.3 ?s/);
  await bed.pipe("x", { readers: 0 });
});

it("124 is not for what has begun", async () => {
  const bed = useBed();
  await bed.satellite();

  const writer = bed.skypipe(["x"], { stdin: "socket" });
  await writer.write("begun\n");
  await bed.pipe("x", { bytes: 6 });
  const reader = bed.skypipe(["recv", "x", "--timeout", "500ms"]);
  await reader.puts("begun\n");
  const clock = bed.skypipe(["recv", "other", "--timeout", "700ms"]);
  await clock.exits(124); // by then the first one's time is over too
  expect(reader.running).toBe(true);
  writer.end();
  await reader.exits(0);
});

it("124: nobody has taken it all", async () => {
  const bed = useBed();
  await bed.satellite();

  const exit = await bed.shell("echo one | skypipe send x --sync --timeout 300ms").exits(124);
  expectSentence(exit, /x/);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");
});
