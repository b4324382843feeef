/** The session as a machine: hello, loss, return, and the end. */
import { describe, expect, it } from "vitest";
import { Random } from "../sim/random.ts";
import { Bench, GRACE_MS } from "./bench.ts";

const welcome = {
  type: "welcome",
  protocol: 1,
  software: "sat/1",
  session: "s1",
  secret: "secret",
  graceMs: GRACE_MS,
  resumed: false,
} as const;

describe("hello", () => {
  it("[S-1] connects at once, says hello first, and is connected by welcome", () => {
    const bench = new Bench();
    expect(bench.types()).toEqual(["connect", "wake"]);
    bench.clear().do({ type: "connected", connection: 1 });
    expect(bench.sent()).toEqual([{ type: "hello", protocol: 1, software: "end/1" }]);
    bench.clear().say(welcome);
    expect(bench.effects[0]).toEqual({ type: "connected", welcome, again: false });
  });

  it("[V-1] refuses a satellite of another version, naming both sides and the older one", () => {
    for (const [protocol, older] of [
      [2, "upgrade this end"],
      [0, "upgrade the satellite"],
    ] as const) {
      const bench = new Bench().clear().greet({ protocol });
      const broken = bench.effects.find((effect) => effect.type === "broken");
      expect(broken?.error.code).toBe("version");
      expect(broken?.error.message).toContain(older);
      expect(broken?.error.message).toMatch(/sat\/1.*end\/1/);
    }
  });

  it("closes the connection and gives up when a message comes out of turn", () => {
    const early = new Bench().clear().do({ type: "connected", connection: 1 });
    early.say({ type: "attached", ref: 1 });
    expect(early.effects).toContainEqual({ type: "close", connection: 1, code: "protocol" });
    const twice = new Bench().greet().clear().greet();
    expect(twice.types()).toContain("broken");
  });

  it("gives up at once when the satellite refuses it, and stays that way", () => {
    const bench = new Bench().open(1).clear().do({ type: "connected", connection: 1 });
    bench.say({ type: "error", code: "unauthorized", message: "no token" });
    expect(bench.notices()).toMatchObject([{ type: "failed", ref: 1, error: { code: "unauthorized" } }]);
    bench
      .clear()
      .open(2)
      .read(3)
      .do({ type: "ask", question: { type: "list", ref: 4 } })
      .pass(100_000);
    expect(bench.noticeTypes()).toEqual(["failed", "failed", "failed"]);
    expect(bench.wakeMs).toBeNull();
  });

  it("does not try again after a handshake that can't succeed", () => {
    const bench = new Bench().clear();
    const error = Object.assign(new Error("no"), { code: "forbidden" }) as never;
    bench.do({ type: "lost", connection: 1, reason: "HTTP 403", error });
    expect(bench.types()).toEqual(["close", "broken", "wake"]);
  });
});

describe("the first connect", () => {
  it("is tried for connectTimeoutMs, then fails as unreachable, with the address and the last reason", () => {
    const bench = new Bench();
    for (let ms = 0; ms < 10_000; ms += 100) {
      if (bench.types().at(-1) === "connect" || bench.types().includes("connect"))
        bench.clear().cut("connection refused");
      bench.pass(100);
    }
    const broken = bench.effects.find((effect) => effect.type === "broken");
    expect(broken?.error).toMatchObject({ code: "unreachable" });
    expect(broken?.error.message).toBe(
      "No satellite answers at sat:80 (connection refused): check the address, and that it runs.",
    );
  });

  it("fails on time though an attempt hangs", () => {
    const bench = new Bench({ connectTimeoutMs: 3_000 }).clear().pass(2_999);
    expect(bench.types()).not.toContain("broken");
    bench.pass(1);
    expect(bench.types()).toContain("broken");
  });

  it("is tried for ever where no time is set", () => {
    const bench = new Bench({ connectTimeoutMs: null }).read(1).clear().pass(3_600_000);
    expect(bench.types()).not.toContain("broken");
    expect(bench.noticeTypes()).toEqual([]);
    bench.clear().greet();
    expect(bench.sentTypes()).toEqual(["hello", "read"]);
  });
});

describe("coming back", () => {
  it("[S-8] is tried at once at first, then after delays that grow by a quarter up to a bound, half of each left to chance", () => {
    for (const [random, share] of [
      [() => 0, 0.5],
      [() => 1, 1],
    ] as const) {
      const bench = new Bench({ random }).greet().clear().cut();
      expect(bench.types()).toEqual(["disconnected", "connect", "wake"]);
      const delays: number[] = [];
      for (let i = 0; i < 20; i++) {
        const cutMs = bench.nowMs;
        bench.clear().cut();
        expect(bench.types()).not.toContain("connect");
        bench.pass((bench.wakeMs as number) - cutMs);
        expect(bench.types()).toContain("connect");
        delays.push((bench.nowMs - cutMs) / share);
      }
      const grown = delays.map((_, i) => 100 * 1.25 ** i);
      expect(delays.map(Math.round)).toEqual(grown.map((ms) => Math.round(Math.min(ms, 5_000))));
    }
  });

  it("does not count a connection that did not last as a success", () => {
    const bench = new Bench().greet().cut().greet().clear().cut();
    expect(bench.types()).not.toContain("connect");
    bench.pass(100);
    bench.greet().pass(6_000).clear().cut();
    expect(bench.types()).toContain("connect");
  });

  it("[S-2] resumes with session and secret", () => {
    const bench = new Bench().greet().cut().clear().greet({ resumed: true });
    expect(bench.sent()[0]).toMatchObject({
      type: "hello",
      resume: { session: "s1", secret: "secret", writers: [], readers: [] },
    });
    expect(bench.effects).toContainEqual(expect.objectContaining({ type: "connected", again: true }));
  });

  it("[S-3] drops what still comes from an old connection", () => {
    const bench = new Bench().greet().open(1).cut();
    bench.clear().do({ type: "message", connection: 1, message: { type: "goaway", reason: "late" } });
    bench.do({ type: "lost", connection: 1, reason: "late" });
    expect(bench.effects).toEqual([]);
  });

  it("[S-8] a link that is cut often, but carries bytes in between, is not waited for longer and longer", () => {
    const bench = new Bench().greet().open(1);
    bench.say({ type: "opened", ref: 1, stream: 7, received: 0, safe: 0, credit: 65_536 });
    for (let cut = 0; cut < 10; cut++) {
      bench.cut();
      const cutMs = bench.nowMs;
      bench.greet({ resumed: true });
      expect(bench.nowMs - cutMs).toBeLessThanOrEqual(100);
      bench.say({ type: "ack", ref: 1, stream: 7, offset: 0, credit: 65_536 });
    }
  });

  it("[S-8] a satellite that stops on purpose and is away for a second has everybody back in 1.6, time after time", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const chance = new Random(seed);
      const bench = new Bench({ random: () => chance.next() }).greet();
      for (let stop = 0; stop < 4; stop++) {
        bench.pass(500).say({ type: "goaway", reason: "an upgrade" });
        const goneMs = bench.nowMs;
        bench.clear().cut();
        while (bench.nowMs < goneMs + 1_000) {
          if (bench.types().includes("connect")) bench.clear().cut();
          else bench.clear().pass((bench.wakeMs as number) - bench.nowMs);
        }
        expect(bench.types(), `seed ${seed}`).toContain("connect");
        expect(bench.nowMs - goneMs, `seed ${seed}`).toBeLessThan(1_600);
        bench.greet({ resumed: true });
      }
    }
  });

  it("[S-8] passes goaway on and comes back when the connection is closed", () => {
    const bench = new Bench().greet().clear().say({ type: "goaway", reason: "stopping" });
    expect(bench.effects).toEqual([{ type: "goaway", reason: "stopping" }]);
    bench.clear().say({ type: "error", code: "going-away", message: "bye" });
    expect(bench.types()).toEqual(["close", "disconnected", "connect", "wake"]);
  });

  it("does not fight for a session that continues elsewhere", () => {
    const bench = new Bench().greet().open(1).clear();
    bench.say({ type: "error", code: "superseded", message: "elsewhere" });
    expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "superseded" } }]);
    expect(bench.types()).not.toContain("connect");
  });

  it("gives an attempt ten seconds", () => {
    const bench = new Bench().greet().cut().clear().pass(10_000);
    expect(bench.effects).toContainEqual({ type: "close", connection: 2, code: "lost" });
  });
});

describe("[T-5] the heartbeat", () => {
  it("pings every 20 s", () => {
    const bench = new Bench().greet().clear();
    for (let i = 1; i <= 3; i++) {
      bench.pass(20_000);
      expect(bench.effects).toContainEqual({ type: "ping", connection: 1, ping: i });
      bench.clear().pong(i);
    }
  });

  it("pings every 5 s while bytes are unacknowledged", () => {
    const bench = new Bench().greet().open(1);
    bench.say({ type: "opened", ref: 1, stream: 7, received: 0, safe: 0, credit: 65_536 }).write(1, "x\n");
    bench.clear().pass(5_000).pong(1).pass(5_000);
    expect(bench.types().filter((type) => type === "ping")).toHaveLength(2);
    bench.say({ type: "ack", ref: 1, stream: 7, offset: 2, credit: 65_538 }).pong(2).pass(5_000).clear();
    bench.pong(3).pass(15_000);
    expect(bench.types()).not.toContain("ping");
  });

  it("takes the connection for lost after two periods in which nothing was heard", () => {
    const bench = new Bench().greet().clear().pass(59_999);
    expect(bench.types()).not.toContain("close");
    bench.pass(1);
    expect(bench.effects).toContainEqual({ type: "close", connection: 1, code: "lost" });
    expect(bench.types()).toContain("connect");
  });

  it("takes any message for a sign of life", () => {
    const bench = new Bench().greet().clear();
    for (let i = 0; i < 10; i++) bench.pass(19_000).do({ type: "heard", connection: 1 });
    expect(bench.types()).not.toContain("close");
  });

  it("does not take a sleeping computer for a dead link", () => {
    const bench = new Bench().greet().clear();
    bench.nowMs += 3_600_000;
    bench.do({ type: "tick" });
    expect(bench.types()).toEqual(["ping", "wake"]);
  });
});

describe("the socket's room", () => {
  it("stops sending above a mebibyte until the socket has drained", () => {
    const bench = new Bench().greet().open(1, { kind: "binary" });
    bench.say({ type: "opened", ref: 1, stream: 7, received: 0, safe: 0, credit: 2 ** 24 }).clear();
    const block = "x".repeat(65_536);
    for (let i = 0; i < 15; i++) bench.write(1, block, 4);
    expect(bench.noticeTypes()).toEqual(Array.from({ length: 15 }, () => "accepted"));
    bench.clear().write(1, block, 4);
    expect(bench.types()).toEqual(["forward", "watch", "notice"]);
    bench.clear().write(1, block, 4);
    expect(bench.types()).toEqual([]);
    bench.do({ type: "drained", connection: 1 });
    expect(bench.types()).toEqual(["forward", "notice"]);
  });

  it("sends everything again within the room, too", () => {
    const bench = new Bench().greet().open(1, { kind: "binary" });
    const opened = { type: "opened", ref: 1, stream: 7, received: 0, safe: 0, credit: 2 ** 24 } as const;
    bench.say(opened);
    for (let i = 0; i < 40; i++) bench.do({ type: "drained", connection: 1 }).write(1, "x".repeat(65_536), 4);
    bench.cut().greet({ resumed: true }).clear().say(opened);
    expect(bench.frames()).toHaveLength(16);
    for (let i = 0; i < 3; i++) bench.do({ type: "drained", connection: 2 });
    expect(bench.frames()).toHaveLength(40);
  });
});

describe("questions", () => {
  const row = { name: "a", streams: 1, bytes: 1, oldestAgeS: 0, writers: 0, readers: 0, taps: 0 };

  it("[C-6] puts a list together from its parts", () => {
    const bench = new Bench()
      .greet()
      .clear()
      .do({ type: "ask", question: { type: "list", ref: 1 } });
    expect(bench.sent()).toEqual([{ type: "list", ref: 1 }]);
    bench.clear().say({ type: "listed", ref: 1, pipes: [row], last: false });
    expect(bench.notices()).toEqual([]);
    bench.say({ type: "listed", ref: 1, pipes: [row], last: true });
    expect(bench.notices()).toEqual([{ type: "answered", ref: 1, answer: [row, row] }]);
  });

  it("[C-3] asks again after a loss, from the first part", () => {
    const bench = new Bench().greet().do({ type: "ask", question: { type: "list", ref: 1 } });
    bench
      .say({ type: "listed", ref: 1, pipes: [row], last: false })
      .cut()
      .clear()
      .greet();
    expect(bench.sentTypes()).toEqual(["hello", "list"]);
    bench.say({ type: "listed", ref: 1, pipes: [row], last: true });
    expect(bench.notices()).toEqual([{ type: "answered", ref: 1, answer: [row] }]);
  });

  it("does not remove twice where it is not known whether the first time arrived", () => {
    const bench = new Bench().greet().do({ type: "ask", question: { type: "remove", ref: 1, pipe: "p" } });
    bench.cut().clear().greet();
    expect(bench.sentTypes()).toEqual(["hello"]);
    expect(bench.notices()).toMatchObject([{ type: "failed", error: { code: "unreachable" } }]);
  });

  it("tells errors of the satellite, and gives up after the grace", () => {
    const bench = new Bench().greet().do({ type: "ask", question: { type: "remove", ref: 1, pipe: "p" } });
    bench.clear().say({ type: "error", ref: 1, code: "not-found", message: "no such pipe" });
    expect(bench.notices()).toMatchObject([{ error: { code: "not-found", message: "no such pipe" } }]);
    bench
      .do({ type: "ask", question: { type: "inspect", ref: 2 } })
      .cut()
      .clear()
      .pass(GRACE_MS);
    expect(bench.notices()).toMatchObject([{ type: "failed", ref: 2, error: { code: "unreachable" } }]);
  });

  it("treats an unknown code as internal", () => {
    const bench = new Bench().greet().do({ type: "ask", question: { type: "inspect", ref: 1 } });
    bench.clear().say({ type: "error", ref: 1, code: "of-tomorrow", message: "?" });
    expect(bench.notices()).toMatchObject([{ error: { code: "internal" } }]);
  });
});

describe("closing", () => {
  it("[S-7] says bye: writers fail, readers are done, and nothing is tried any more", () => {
    const bench = new Bench()
      .greet()
      .open(1)
      .read(2)
      .do({ type: "ask", question: { type: "list", ref: 3 } });
    bench.clear().do({ type: "close" });
    expect(bench.sentTypes()).toEqual(["bye"]);
    expect(bench.effects).toContainEqual({ type: "close", connection: 1, code: "normal" });
    expect(bench.noticeTypes()).toEqual(["failed", "done", "failed"]);
    expect(bench.wakeMs).toBeNull();
    bench.clear().cut().do({ type: "close" }).pass(100_000);
    expect(bench.effects).toEqual([]);
  });

  it("closes while it has no connection", () => {
    const bench = new Bench().greet().cut();
    bench.cut().clear().do({ type: "close" });
    expect(bench.types()).toEqual(["wake"]);
  });
});
