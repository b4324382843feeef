/** `skypipe satellite`: what it prints, whom it refuses, how it stops, what it does when it is full. */
import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { KiB, MiB, noise, sha256 } from "../support/bytes.ts";
import { until } from "../support/until.ts";
import { useBed } from "../support/use-bed.ts";

const upgrade = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Protocol", "skypipe.v1"],
].flatMap(([name, value]) => ["-H", `${name}: ${value}`]);

it("prints one line on stdout, its URL, and logs JSON lines without secrets or payloads on stderr", async () => {
  const bed = useBed();
  writeFileSync(bed.path("token"), "the-secret-token\n", { mode: 0o600 });
  const satellite = await bed.satellite(["--token-file", bed.path("token")]);

  const env = { SKYPIPE_TOKEN: "the-secret-token" };
  await bed.shell("echo the-payload | skypipe x", { env }).exits(0);
  await bed.skypipe(["x"], { env }).exits(0);
  await bed.skypipe(["x"], { env: { SKYPIPE_TOKEN: "a-wrong-token" } }).exits(4);
  satellite.proc.kill("SIGTERM");
  const { out, err } = await satellite.proc.exits(0);

  expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/);
  const logs = err
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(logs.length).toBeGreaterThan(0);
  for (const entry of logs) expect(entry).toBeTypeOf("object");
  expect(err).not.toMatch(/the-secret-token|a-wrong-token|the-payload/);
});

it("takes its token from SKYPIPE_TOKEN too", async () => {
  const bed = useBed();
  await bed.satellite([], { env: { SKYPIPE_TOKEN: "from-the-environment" } });

  await bed.skypipe(["ls"]).exits(4);
  await bed.skypipe(["ls"], { env: { SKYPIPE_TOKEN: "from-the-environment" } }).exits(0);
});

it("refuses to listen beyond this computer without a token", async () => {
  const bed = useBed();

  const { out, err } = await bed
    .skypipe(["satellite", "--memory", "--host", "0.0.0.0", "--port", "0"])
    .exits(2);
  expect(out).toBe("");
  expect(err).toMatch(/^skypipe: [^\n]*0\.0\.0\.0[^\n]*token[^\n]*\n$/i);
});

it.each([
  ["a foreign Origin", ["-H", "Origin: http://evil.example"]],
  ["a foreign Host", ["-H", "Host: evil.example"]],
  ["a cross-site request", ["-H", "Sec-Fetch-Site: cross-site"]],
  ["an opaque Origin", ["-H", "Origin: null"]],
])("[T-3] %s is refused with 403", async (_, headers) => {
  const bed = useBed();
  const { url } = await bed.satellite();

  const asks = ["-s", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", ...headers];
  for (const target of [[...upgrade, `${url}/ws`], [`${url}/`]]) {
    expect((await bed.spawn("curl", [...asks, ...target]).exits(0)).out).toBe("403");
  }
});

it("[T-1] a handshake without the subprotocol is refused with 426", async () => {
  const bed = useBed();
  const { url } = await bed.satellite();

  const asks = ["-s", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}"];
  const bare = upgrade.slice(0, -2);
  expect((await bed.spawn("curl", [...asks, ...bare, `${url}/ws`]).exits(0)).out).toBe("426");
});

it("[S-8] on SIGTERM it says so and exits 0; who waits comes back to the next one", async () => {
  const bed = useBed();
  const first = await bed.satellite();

  const reader = bed.skypipe(["log"]);
  await bed.pipe("log", { readers: 1 });
  const writer = bed.skypipe(["other"], { stdin: "socket" });
  await writer.write("before\n");
  await bed.pipe("other", { writers: 1, bytes: 7 });
  first.proc.kill("SIGTERM");
  await first.proc.exits(0);

  await bed.satellite(["--port", String(first.port)]);
  await bed.pipe("log", { readers: 1 });
  await bed.pipe("other", { writers: 1 });
  await bed.shell("echo found again | skypipe log").exits(0);
  expect((await reader.exits(0)).out).toBe("found again\n");
  writer.end("after\n");
  await writer.exits(0);
  expect((await bed.skypipe(["other"]).exits(0)).out).toContain("after\n");
});

it("exits 0 on SIGINT too, and at once when nobody is there", async () => {
  const bed = useBed();
  const { proc } = await bed.satellite();
  proc.kill("SIGINT");
  await proc.exits(0);
});

it("a port that is taken is one sentence", async () => {
  const bed = useBed();
  const { port } = await bed.satellite();

  const { status, err } = await bed.skypipe(["satellite", "--memory", "--port", String(port)]).exited;
  expect([1, 2]).toContain(status);
  expect(err.trimEnd().split("\n").at(-1)).toMatch(new RegExp(`^skypipe: .*${port}`));
});

it("[L-15] full: the writer says why it waits, and goes on when a reader makes room", async () => {
  const bed = useBed();
  await bed.satellite(["--max-buffer", "1M"]);
  const bytes = noise(5 * MiB, 1);

  const writer = bed.skypipe(["big"], { stdin: "socket" });
  writer.end(bytes);
  await writer.says(/^skypipe: [^\n]*(full|room)/);
  const reader = await bed.skypipe(["big"], { stdout: "hash" }).exits(0);

  expect(reader.sha256).toBe(sha256(bytes));
  await writer.exits(0);
});

it("[L-15] full: send --timeout bounds the wait", async () => {
  const bed = useBed();
  await bed.satellite(["--max-buffer", "1M"]);

  const writer = bed.skypipe(["send", "big", "--timeout", "500ms"], { stdin: "socket" });
  writer.end(noise(2 * MiB, 1));
  expect((await writer.exits(124)).err).toMatch(/big/);
});

it("[L-15] a forgotten pipe does not stop the others", async () => {
  const bed = useBed();
  await bed.satellite(["--max-buffer", "1M"]);

  const hog = bed.skypipe(["forgotten"], { stdin: "socket" });
  hog.end(noise(2 * MiB, 1));
  await hog.says(/full|room/);
  const bytes = noise(100 * KiB, 2);
  const small = bed.skypipe(["small"], { stdin: "socket" });
  small.end(bytes);
  await small.exits(0);

  expect((await bed.skypipe(["small"], { stdout: "hash" }).exits(0)).sha256).toBe(sha256(bytes));
});

it("--ttl: what was not read in time is gone", async () => {
  const bed = useBed();
  await bed.satellite();

  await bed.shell("echo old | skypipe send x --ttl 300ms").exits(0);
  await bed.pipe("x", { streams: 0 });
});

it("answers /healthz without a token", async () => {
  const bed = useBed();
  const { url } = await bed.satellite([], { env: { SKYPIPE_TOKEN: "needed" } });
  await until("it is healthy", async () => (await fetch(`${url}/healthz`)).status === 200);
});
