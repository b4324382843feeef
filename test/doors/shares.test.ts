/** Shares: made, used, revoked, expired, across restarts and while bytes flow. */
import { createHmac, hkdfSync, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type RunningSatellite, startSatellite } from "../../satellite/satellite.ts";
import { openFilesStore } from "../../satellite/store/files/files.ts";
import type { Limits } from "../../satellite/wire/limits.ts";
import { claimsOf } from "../../satellite/wire/link.ts";
import { bearer, handshakeStatus, RawEnd } from "../support/raw-end.ts";
import { until } from "../support/until.ts";
import { ask } from "./ask.ts";
import { useSatellite } from "./use-satellite.ts";

const ROOT = "correct horse battery staple";

/** A satellite on disk that can be stopped and started again. */
class Lasting {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "skypipe-shares-"));
  #running: RunningSatellite | null = null;

  constructor() {
    onTestFinished(async () => {
      await this.#running?.stop();
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  async start(token = ROOT, limits: Partial<Limits> = {}): Promise<string> {
    await this.#running?.stop();
    const store = await openFilesStore(this.#folder);
    this.#running = await startSatellite({ token, store, limits });
    return this.#running.url;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signed(content: string, key: string | Buffer): string {
  return `${content}.${createHmac("sha256", key).update(content).digest("base64url")}`;
}

async function refusal(url: string, token: string): Promise<{ status: number; body: string }> {
  const { status, body } = await ask(url, "/p", { headers: bearer(token) });
  return { status, body };
}

describe("share", () => {
  it("[A-2] [A-3] gives a token that says what it is for, and the same one when it is asked again", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    const id = randomUUID();
    const fields = { id, right: "write", lifeMs: 1_500, once: true } as const;
    const shared = await root.share("logs/ü", fields);
    expect(shared).toMatchObject({ id, lasting: false });
    expect(claimsOf(shared.token)).toEqual({
      share: id,
      pipe: "logs/ü",
      right: "write",
      once: true,
      expiresMs: shared.expiresMs,
    });
    await root.resume({ token: ROOT });
    expect((await root.share("logs/ü", fields)).token).toBe(shared.token);
    root.send({ type: "share", ref: 50, id, pipe: "logs/ü", right: "read" });
    expect(await root.next("error", { ref: 50 })).toMatchObject({ code: "usage" });
    expect(await root.shares()).toHaveLength(1);
    await root.close();
  });

  it("[A-1] [A-3] refuses what cannot be shared", async () => {
    const open = await useSatellite();
    const anybody = await RawEnd.greet(open.url);
    anybody.send({ type: "share", ref: 1, id: "a", pipe: "p", right: "read" });
    expect(await anybody.next("error", { ref: 1 })).toMatchObject({ code: "usage" });
    await anybody.close();
    const { url } = await useSatellite({ token: ROOT, limits: { sharesMax: 1 } });
    const root = await RawEnd.greet(url, ROOT);
    for (const [ref, id, pipe, lifeMs] of [
      [1, "a/b", "p", 1000],
      [2, "", "p", 1000],
      [3, "a", "p\n", 1000],
      [4, "a", "p", Number.MAX_SAFE_INTEGER],
    ] as const) {
      root.send({ type: "share", ref, id, pipe, right: "read", lifeMs });
      expect(await root.next("error", { ref })).toMatchObject({ code: "usage" });
    }
    await root.share("p", { id: "one" });
    root.send({ type: "share", ref: 5, id: "two", pipe: "p", right: "read" });
    expect(await root.next("error", { ref: 5 })).toMatchObject({ code: "limit" }); // [K-1]
    await root.unshare("one");
    await root.share("p", { id: "two" });
    await root.close();
  });

  it("[C-6] [A-3] lists shares in parts", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    for (let i = 0; i < 101; i++) await root.share("p", { right: "read" });
    expect(await root.shares()).toHaveLength(101);
    await root.close();
  });
});

describe("wrong tokens", () => {
  it("[A-2] [A-9] of every kind get the same answer", async () => {
    const { url } = await useSatellite({ token: ROOT, limits: { failuresBurst: 1_000 } });
    const root = await RawEnd.greet(url, ROOT);
    const { token } = await root.share("p", { right: "read" });
    const [head = "", body = "", signature = ""] = token.split(".");
    const flipped = Buffer.from(signature, "base64url");
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    const unsalted = Buffer.from(hkdfSync("sha256", ROOT, "", "skypipe share tokens v1", 32));
    const wrong = [
      "",
      "x",
      `${ROOT}x`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${body}.${flipped.toString("base64url")}`,
      `${head}.${encode({ jti: "a", sub: "other", right: "both" })}.${signature}`,
      `${encode({ alg: "none", typ: "skypipe+jwt" })}.${body}.`,
      `${encode({ alg: "HS512", typ: "skypipe+jwt" })}.${body}.${signature}`,
      signed(`${head}.${body}`, ROOT),
      signed(`${head}.${body}`, unsalted),
      "a".repeat(10_000),
    ];
    const answers = new Set<string>();
    for (const each of wrong) {
      const { status, body: text } = await refusal(url, each);
      answers.add(`${status} ${text}`);
      expect(await handshakeStatus(url, { headers: bearer(each) })).toBe(401);
    }
    expect(answers).toEqual(new Set(["401 the token is wrong\n"]));
    await root.close();
  });
});

describe("revoking", () => {
  it("[A-5] [A-6] ends the sessions of a share at once, and only those", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    const kept = await root.share("p", { right: "both" });
    const gone = await root.share("p", { right: "both" });
    const [bystander, offender] = [await RawEnd.greet(url, kept.token), await RawEnd.greet(url, gone.token)];
    const good = await bystander.open("p");
    good.write("good\n");
    await good.untilSafe();
    const bad = await offender.open("p");
    bad.write("bad\n");
    await bad.untilSafe();
    await root.unshare(gone.id);
    expect(await offender.closedBy()).toMatchObject({ code: 4401, error: { code: "unauthorized" } });
    expect(await refusal(url, gone.token)).toEqual({
      status: 401,
      body: "this link was revoked, or has expired\n",
    });
    expect(await handshakeStatus(url, { headers: bearer(gone.token) })).toBe(401);
    expect((await root.row("p"))?.writers).toBe(1);
    good.finish("end\n");
    await good.untilEndSafe();
    root.send({ type: "unshare", ref: 90, id: gone.id });
    expect(await root.next("error", { ref: 90 })).toMatchObject({ code: "not-found" });
    await bystander.close();
    await root.close();
  });

  it("[A-6] [L-3] leaves what its reader has not acknowledged to the next", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    const { id, token } = await root.share("p", { right: "read" });
    const thief = await RawEnd.greet(url, token);
    const reading = await thief.read("p", "plain", { autoAck: false });
    const writer = await root.open("p");
    writer.write("line\n");
    await reading.untilText("line\n");
    await root.unshare(id);
    await thief.closedBy();
    const next = await root.read("p");
    writer.finish("end\n");
    await next.untilDone();
    expect(next.text).toBe("line\nend\n");
    await root.close();
  });

  it("[A-6] [S-2] reaches a session in grace, also after a restart", async () => {
    const place = new Lasting();
    let url = await place.start();
    let root = await RawEnd.greet(url, ROOT);
    const { id, token } = await root.share("p", { right: "write" });
    const end = await RawEnd.greet(url, token);
    const writer = await end.open("p");
    writer.write("x\n");
    await writer.untilSafe();
    url = await place.start();
    root = await RawEnd.greet(url, ROOT);
    expect(await root.row("p")).toMatchObject({ writers: 1 });
    await root.unshare(id);
    expect(await root.row("p")).toMatchObject({ writers: 0 });
    expect(await refusal(url, token)).toMatchObject({ status: 401 });
    await root.close();
  });
});

describe("expiry", () => {
  it("[A-6] ends a running session, and the share", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    await root.share("p", { right: "read", lifeMs: 3_600_000 });
    const { token } = await root.share("p", { right: "both", lifeMs: 1_000 });
    const end = await RawEnd.greet(url, token);
    const writer = await end.open("p");
    writer.write("x\n");
    await writer.untilSafe();
    expect(await end.closedBy()).toMatchObject({ code: 4401, error: { message: "this link has expired" } });
    expect(await refusal(url, token)).toMatchObject({ status: 401 });
    expect((await refusal(url, token)).body).toContain("expired");
    expect(await root.shares()).toHaveLength(1);
    await root.close();
  });

  it("[A-6] goes on counting while the satellite is away", async () => {
    const place = new Lasting();
    const root = await RawEnd.greet(await place.start(), ROOT);
    const { token } = await root.share("p", { right: "read", lifeMs: 1_000 });
    const url = await place.start();
    await until("it has expired", async () => (await refusal(url, token)).status === 401);
    const again = await RawEnd.greet(url, ROOT);
    expect(await again.shares()).toEqual([]);
    await again.close();
  });
});

describe("once", () => {
  it("[A-7] is for one reader, which comes back after a lost connection", async () => {
    const { url } = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(url, ROOT);
    const { token } = await root.share("p", { right: "read", once: true });
    const [first, second] = [await RawEnd.greet(url, token), await RawEnd.greet(url, token)];
    first.send({ type: "read", ref: 7, pipe: "p", mode: "peek" });
    expect(await first.next("error", { ref: 7 })).toMatchObject({ code: "not-found" }); // that was no use
    const reader = await first.read("p");
    second.send({ type: "read", ref: 1, pipe: "p", mode: "plain" });
    expect(await second.next("error", { ref: 1 })).toMatchObject({ code: "forbidden" });
    const third = await RawEnd.dial(url, { headers: bearer(token) });
    third.send({ type: "hello", protocol: 1, software: "raw/0" });
    expect(await third.closedBy()).toMatchObject({ error: { code: "unauthorized" } });
    expect((await first.resume({ token })).welcome.resumed).toBe(true);
    const writer = await root.open("p");
    writer.finish("all\n");
    await reader.untilDone();
    expect(reader.text).toBe("all\n");
    first.send({ type: "release", ref: reader.ref });
    first.send({ type: "read", ref: reader.ref, pipe: "p", mode: "plain" });
    expect(await first.next("error", { ref: reader.ref })).toMatchObject({ code: "forbidden" });
    expect(await root.shares()).toMatchObject([{ once: true, used: true }]);
    for (const end of [first, second, root]) await end.close();
  });

  it("[A-7] stays used up over a restart, and its writer goes on", async () => {
    const place = new Lasting();
    const root = await RawEnd.greet(await place.start(), ROOT);
    const { token } = await root.share("p", { right: "write", once: true });
    const end = await RawEnd.greet(root.url, token);
    const writer = await end.open("p");
    writer.write("before\n");
    await writer.untilSafe();
    const url = await place.start();
    const late = await RawEnd.dial(url, { headers: bearer(token) });
    late.send({ type: "hello", protocol: 1, software: "raw/0" });
    expect(await late.closedBy()).toMatchObject({ error: { code: "unauthorized" } });
    expect((await end.resume({ token, url })).welcome.resumed).toBe(true);
    writer.finish("after\n");
    await writer.untilEndSafe();
    await end.close();
  });
});

describe("restarts", () => {
  it("[A-4] keep shares with the same root token and data, and end them with another token", async () => {
    const place = new Lasting();
    const root = await RawEnd.greet(await place.start(), ROOT);
    const shared = await root.share("p", { right: "read" });
    expect(shared.lasting).toBe(true);
    expect(await refusal(await place.start(), shared.token)).toMatchObject({ status: 200 });
    expect(await refusal(await place.start("another"), shared.token)).toMatchObject({ status: 401 });
    expect(await refusal(await place.start(), shared.token)).toMatchObject({ status: 200 });
  });

  it("[A-4] [A-5] of a satellite that keeps nothing end all shares", async () => {
    const first = await useSatellite({ token: ROOT });
    const root = await RawEnd.greet(first.url, ROOT);
    const { token } = await root.share("p", { right: "read" });
    const second = await useSatellite({ token: ROOT });
    expect(await refusal(first.url, token)).toMatchObject({ status: 200 });
    expect(await refusal(second.url, token)).toMatchObject({ status: 401 });
    await root.close();
  });
});
