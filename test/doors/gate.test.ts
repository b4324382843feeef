/** The gate alone: strangers, guesses, addresses and turns, on a clock of the test. */
import { EventEmitter } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { addressIn, countedAs } from "../../satellite/doors/address.ts";
import { Allowance } from "../../satellite/doors/allowance.ts";
import { Gate, type GateParts } from "../../satellite/doors/gate.ts";
import { Turnstile } from "../../satellite/doors/turnstile.ts";
import type { Keyring } from "../../satellite/keys/tokens.ts";
import { type Limits, limits } from "../../satellite/wire/limits.ts";
import { ALL } from "../../satellite/wire/rights.ts";

const scoped = { scope: { share: "s", pipe: "p", right: "read", once: false } } as const;

const keyring: Keyring = {
  rightsOf: async (token) => (token === "root" ? ALL : token === "share" ? scoped : null),
  isShare: async (token) => token === "share",
  sign: async () => "",
};

class Peer extends EventEmitter {
  destroyed = false;
  readonly remoteAddress: string | undefined;

  constructor(remoteAddress?: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }

  asks(headers: IncomingHttpHeaders = {}): IncomingMessage {
    return { headers, socket: this.socket } as IncomingMessage;
  }

  shows(token: string): IncomingMessage {
    return this.asks({ authorization: `Bearer ${token}` });
  }
}

class Valve {
  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

class Stage {
  nowMs = 0;
  live = true;
  readonly logged: unknown[] = [];
  readonly gate: Gate;

  constructor(some: Partial<Limits> = {}, parts: Partial<GateParts> = {}) {
    this.gate = new Gate({
      keyring,
      limits: { ...limits, ...some },
      log: (_level, event, fields) => this.logged.push({ event, ...fields }),
      trustedHeader: null,
      now: () => this.nowMs,
      hasShare: () => this.live,
      ...parts,
    });
  }

  come(address?: string): Peer {
    const peer = new Peer(address);
    this.gate.arrived(peer.socket);
    return peer;
  }
}

describe("links of pages elsewhere", () => {
  it("[H-23] [K-3] are not looked at from where too much was asked, unless they were good from there", async () => {
    const stage = new Stage({ strangerRequestsBurst: 1 });
    const [known, flooder] = [stage.come("10.0.0.1"), stage.come("10.0.0.2")];
    await stage.gate.admit(known.shows("share"));
    for (const peer of [known, flooder]) stage.gate.count(peer.asks());
    expect(await stage.gate.showsLink(known.shows("share"))).toBe(true);
    for (const token of ["share", "wrong"]) {
      await expect(stage.gate.showsLink(flooder.shows(token))).rejects.toMatchObject({ code: "limit" });
    }
    stage.nowMs += 1_000;
    expect(await stage.gate.showsLink(flooder.shows("share"))).toBe(true);
    expect(await stage.gate.showsLink(flooder.shows("wrong"))).toBe(false);
  });
});

describe("strangers", () => {
  it("[K-2] of one address push out the oldest of that address, and nobody else", () => {
    const stage = new Stage({ strangersPerAddressMax: 2 });
    const other = stage.come("10.0.0.2");
    const peers = [1, 2, 3].map(() => stage.come("10.0.0.1"));
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
    expect(other.destroyed).toBe(false);
  });

  it("[K-2] of all addresses push out the oldest of all", () => {
    const stage = new Stage({ strangersMax: 2 });
    const peers = [1, 2, 3].map((n) => stage.come(`10.0.0.${n}`));
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  });

  it("[K-2] leave room when they go", () => {
    const stage = new Stage({ strangersMax: 2, strangersPerAddressMax: 2 });
    const first = stage.come("10.0.0.1");
    stage.come("10.0.0.1").destroy();
    stage.come("10.0.0.1");
    expect(first.destroyed).toBe(false);
  });

  it("[K-2] are none any more with a good token", async () => {
    const stage = new Stage({ strangersPerAddressMax: 1 });
    const known = stage.come("10.0.0.1");
    await stage.gate.admit(known.shows("root"));
    const [next, last] = [stage.come("10.0.0.1"), stage.come("10.0.0.1")];
    expect([known, next, last].map(({ destroyed }) => destroyed)).toEqual([false, true, false]);
  });

  it("[K-2] of a Unix socket are not counted", () => {
    const stage = new Stage({ strangersMax: 0, strangersPerAddressMax: 0 });
    expect(stage.come().destroyed).toBe(false);
  });

  it("[K-3] ask so often and no more, and again after a while", async () => {
    const stage = new Stage({ strangerRequestsBurst: 2, strangerRequestsS: 1 });
    const peer = stage.come("10.0.0.1");
    for (let i = 0; i < 2; i++) expect(await stage.gate.admit(peer.asks())).toMatchObject({ rights: null });
    await expect(stage.gate.admit(peer.asks())).rejects.toMatchObject({ code: "limit" });
    await expect(stage.gate.admit(stage.come("10.0.0.2").asks())).resolves.toBeDefined();
    await expect(stage.gate.admit(peer.shows("root"))).resolves.toMatchObject({ rights: ALL });
    stage.nowMs += 1_000;
    expect(await stage.gate.admit(peer.asks())).toMatchObject({ rights: null });
    await expect(stage.gate.admit(peer.asks())).rejects.toMatchObject({ code: "limit" });
  });

  it("[K-3] the log tells of many refusals once", async () => {
    const stage = new Stage({ strangerRequestsBurst: 0, strangerRequestsS: 1 });
    const refuse = async (): Promise<unknown> =>
      stage.gate.admit(new Peer("10.0.0.1").asks()).catch(() => null);
    for (let i = 0; i < 100; i++) await refuse();
    expect(stage.logged).toEqual([{ event: "strangers.refused", refused: { strangerRequests: 1 } }]);
    stage.nowMs += 60_000;
    for (let i = 0; i < 100; i++) await refuse();
    expect(stage.logged.length).toBeLessThan(4);
  });
});

describe("wrong tokens", () => {
  it("[K-4] are not looked at any more after some, but those that were good from there are", async () => {
    const stage = new Stage({ failuresBurst: 2, failuresPerMin: 1 });
    const good = stage.come("10.0.0.1");
    await stage.gate.admit(good.shows("share"));
    const guess = async (token: string, address = "10.0.0.1"): Promise<unknown> =>
      stage.gate.admit(new Peer(address).shows(token)).then(
        () => "in",
        (error: { code: string }) => error.code,
      );
    expect([await guess("a"), await guess("b"), await guess("c")]).toEqual([
      "unauthorized",
      "unauthorized",
      "limit",
    ]);
    expect(await guess("root")).toBe("limit"); // that would have been the right one: nobody learns that
    expect(await guess("share")).toBe("in");
    expect(await guess("root", "10.0.0.2")).toBe("in");
    stage.nowMs += 60_000;
    expect([await guess("a"), await guess("b")]).toEqual(["unauthorized", "limit"]);
    stage.nowMs += 60_000;
    expect(await guess("root")).toBe("in");
  });

  it("[K-4] what is remembered of addresses has a limit", async () => {
    const stage = new Stage({ addressesMax: 2, failuresBurst: 1, failuresPerMin: 1 });
    const guess = async (n: number): Promise<string> =>
      stage.gate.admit(new Peer(`10.0.0.${n}`).shows("wrong")).then(
        () => "in",
        (error: { code: string }) => error.code,
      );
    for (const n of [1, 2, 3]) expect(await guess(n)).toBe("unauthorized");
    expect([await guess(3), await guess(2), await guess(1)]).toEqual(["limit", "limit", "unauthorized"]);
  });
});

describe("addresses", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    [undefined, null],
  ])("[K-5] %s counts as %s", (address, counted) => {
    expect(countedAs(address)).toBe(counted);
  });

  it.each([
    ["203.0.113.9", "203.0.113.9"],
    ["10.6.6.6, 203.0.113.9", "203.0.113.9"],
    [" 2001:db8::1 ", "2001:db8::1"],
    ["203.0.113.9, nonsense", null],
    ["203.0.113.9:1234", null],
    ["", null],
    [undefined, null],
  ])("[K-5] of the header %j the last address counts: %s", (value, address) => {
    expect(addressIn({ "x-forwarded-for": value }, "x-forwarded-for")).toBe(address);
  });

  it("[K-5] a header counts only where it is trusted", async () => {
    const told = { "fly-client-ip": "203.0.113.9" };
    const some = { strangerRequestsBurst: 1, strangerRequestsS: 1 };
    const deaf = new Stage(some);
    const peer = deaf.come("10.0.0.1");
    await deaf.gate.admit(peer.asks(told));
    await expect(deaf.gate.admit(peer.asks({ "fly-client-ip": "203.0.113.1" }))).rejects.toMatchObject({
      code: "limit",
    });
    const trusting = new Stage(some, { trustedHeader: "fly-client-ip" });
    const proxy = trusting.come("10.0.0.1");
    await trusting.gate.admit(proxy.asks(told));
    await trusting.gate.admit(proxy.asks({ "fly-client-ip": "203.0.113.1" }));
    await expect(trusting.gate.admit(proxy.asks(told))).rejects.toMatchObject({ code: "limit" });
  });

  it("[K-5] [K-2] behind a proxy connections are counted by address once their head is there", async () => {
    const stage = new Stage({ strangersPerAddressMax: 1 }, { trustedHeader: "fly-client-ip" });
    const peers = [1, 2, 3].map(() => stage.come("10.0.0.1"));
    expect(peers.some(({ destroyed }) => destroyed)).toBe(false);
    for (const peer of peers) await stage.gate.admit(peer.asks({ "fly-client-ip": "203.0.113.9" }));
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, true, false]);
  });
});

describe("shares", () => {
  it("[K-6] are not read from when they make too much work, and only then", () => {
    vi.useFakeTimers();
    try {
      const stage = new Stage({ busyMsPerS: 500, shareMsPerS: 100 });
      const flows = [new Valve(), new Valve(), new Valve()] as const;
      const leave = stage.gate.enter(scoped, flows[0]);
      stage.gate.enter(scoped, flows[1]);
      stage.gate.enter(ALL, flows[2]);
      stage.gate.worked(300, scoped); // more than its part, and there is time for all
      expect(flows.map(({ isPaused }) => isPaused)).toEqual([false, false, false]);
      stage.gate.worked(300, ALL);
      expect(flows.map(({ isPaused }) => isPaused)).toEqual([false, false, false]);
      stage.gate.worked(1, scoped);
      expect(flows.map(({ isPaused }) => isPaused)).toEqual([true, true, false]);
      const late = new Valve();
      stage.gate.enter(scoped, late);
      expect(late.isPaused).toBe(true);
      leave();
      stage.nowMs += 2_010;
      vi.advanceTimersByTime(2_009);
      expect(flows[1].isPaused).toBe(true);
      vi.advanceTimersByTime(1);
      expect([flows[1].isPaused, late.isPaused]).toEqual([false, false]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("[K-6] do not come in meanwhile", async () => {
    const stage = new Stage({ busyMsPerS: 1, shareMsPerS: 1 });
    const peer = stage.come("10.0.0.1");
    await stage.gate.admit(peer.shows("share"));
    stage.gate.worked(100, scoped);
    await expect(stage.gate.admit(stage.come("10.0.0.1").shows("share"))).rejects.toMatchObject({
      code: "limit",
    });
    await expect(stage.gate.admit(stage.come("10.0.0.1").shows("root"))).resolves.toBeDefined();
  });

  it("[K-6] owe what they owe when they come back", () => {
    const allowance = new Allowance(250, 250, 0);
    allowance.spend(500, 0);
    expect(allowance.debtMs(0)).toBe(1_000);
    expect(allowance.debtMs(400)).toBe(600);
    expect(allowance.take(1_000)).toBe(false);
    expect(allowance.take(1_004)).toBe(true);
    allowance.spend(0, 60_000);
    expect(allowance.debtMs(60_000)).toBe(0);
  });

  it("[K-2] have so many connections and no more", async () => {
    const stage = new Stage({ sessionsPerShareMax: 1 });
    const first = stage.come("10.0.0.1");
    await stage.gate.admit(first.shows("share"));
    await stage.gate.admit(first.shows("share"));
    await expect(stage.gate.admit(stage.come("10.0.0.1").shows("share"))).rejects.toMatchObject({
      code: "limit",
    });
    first.destroy();
    await stage.gate.admit(stage.come("10.0.0.1").shows("share"));
  });

  it("[K-3] [A-5] that have ended make a stranger of who shows them", async () => {
    const stage = new Stage({ strangerRequestsBurst: 1, strangerRequestsS: 1, strangersPerAddressMax: 1 });
    stage.live = false;
    const peer = stage.come("10.0.0.1");
    await expect(stage.gate.admit(peer.shows("share"))).rejects.toMatchObject({ code: "unauthorized" });
    await expect(stage.gate.admit(peer.shows("share"))).rejects.toMatchObject({ code: "limit" });
    stage.come("10.0.0.1");
    expect(peer.destroyed).toBe(true);
  });
});

describe("the turnstile", () => {
  it("[S-1] keeps the order, reads no more while one waits, and then goes on", async () => {
    const taken: string[] = [];
    const flow = { pause: vi.fn<() => void>(), resume: vi.fn<() => void>() };
    const doors = new Map<string, () => void>();
    const turnstile = new Turnstile<string>((message) => {
      taken.push(message);
      if (!message.startsWith("slow")) return null;
      return new Promise((resolve) => doors.set(message, resolve));
    }, flow);
    for (const message of ["a", "slow 1", "b", "slow 2", "c"]) turnstile.push(message);
    expect(taken).toEqual(["a", "slow 1"]);
    expect(flow.pause).toHaveBeenCalledTimes(1);
    doors.get("slow 1")?.();
    await vi.waitFor(() => expect(taken).toEqual(["a", "slow 1", "b", "slow 2"]));
    turnstile.push("d");
    expect(flow.resume).not.toHaveBeenCalled();
    doors.get("slow 2")?.();
    await vi.waitFor(() => expect(taken).toEqual(["a", "slow 1", "b", "slow 2", "c", "d"]));
    await vi.waitFor(() => expect(flow.resume).toHaveBeenCalledTimes(1));
    turnstile.push("e");
    expect(taken.at(-1)).toBe("e");
  });
});
