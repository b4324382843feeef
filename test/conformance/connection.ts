/** Handshakes, tokens, pings, hello and what breaks the rules: PROTOCOL §2, §3, §4, §10, §11. */
import { expect, it } from "vitest";
import { encodeChunk } from "../../satellite/wire/encode.ts";
import { Flag } from "../../satellite/wire/frame.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { handshakeStatus, RawEnd } from "../support/raw-end.ts";
import { dataVectors, endVectors } from "../wire/vectors.ts";
import { eventually, fence, parts, place, type Start } from "./harness.ts";

function handshake(start: Start): void {
  const at = place(start);

  it("[T-1] refuses a handshake that does not offer the subprotocol with 426", async () => {
    expect(await handshakeStatus(at.running.url, { subprotocol: null })).toBe(426);
    expect(await handshakeStatus(at.running.url, { subprotocol: "skypipe.v9" })).toBe(426);
  });

  it("[T-1] accepts a handshake at /ws, with the subprotocol, and nowhere else", async () => {
    const end = await at.dial();
    expect(end.link.socket.protocol).toBe("skypipe.v1");
    expect(await handshakeStatus(at.running.url, { path: "/wss" })).toBeGreaterThanOrEqual(400);
  });

  it("[T-2] negotiates no extension, though one is offered", async () => {
    const end = await at.dial({ compress: true });
    expect(end.link.socket.extensions).toBe("");
  });

  it("[T-2] takes messages in WebSocket fragments like whole ones", async () => {
    const pipe = at.pipe();
    const end = await at.dial();
    for (const piece of ['{"type":"hello","pro', 'tocol":1,"software":', '"raw/0"']) {
      end.link.socket.send(piece, { fin: false });
    }
    end.link.socket.send("}", { fin: true });
    await end.next("welcome");
    const reader = await end.read(pipe);
    const writer = await end.open(pipe);
    const { frame } = encodeChunk(writer.stream, 0, Flag.final, Buffer.from("in pieces"));
    writer.offset = 9;
    for (let index = 0; index < frame.length; index += 1) {
      end.link.socket.send(frame.subarray(index, index + 1), {
        binary: true,
        fin: index === frame.length - 1,
      });
    }
    await reader.untilText("in pieces");
    await writer.untilEndSafe();
  });

  it.each([
    ["a foreign Origin", { origin: "https://evil.example" }],
    ["an Origin of null", { origin: "null" }],
    ["a cross-site request", { "sec-fetch-site": "cross-site" }],
    ["a same-site request", { "sec-fetch-site": "same-site" }],
  ])("[T-3] refuses %s with 403", async (_, headers: Record<string, string>) => {
    expect(await handshakeStatus(at.running.url, { headers })).toBe(403);
  });

  it("[T-3] refuses a Host that it does not answer to with 403", async () => {
    expect(await handshakeStatus(at.running.url, { headers: { host: "evil.example" } })).toBe(403);
  });

  it("[T-3] accepts its own Origin", async () => {
    const { url } = at.running;
    const origin = url.startsWith("unix:") ? "http://localhost" : new URL(url).origin;
    expect(await handshakeStatus(url, { headers: { origin, "sec-fetch-site": "same-origin" } })).toBe(101);
  });
}

function basic(password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`anybody:${password}`).toString("base64")}` };
}

function tokens(start: Start): void {
  const token = "a-token-for-this-suite";
  const at = place(start, {}, token);

  it("[T-4] takes the token as Bearer, as Basic password and in hello", async () => {
    for (const headers of [{ authorization: `Bearer ${token}` }, basic(token)]) {
      const end = await RawEnd.dial(at.running.url, { headers });
      expect((await end.hello()).resumed).toBe(false);
      await end.close();
    }
    const end = await RawEnd.dial(at.running.url);
    expect((await end.hello({ token })).resumed).toBe(false);
    await end.close();
  });

  it("[T-4] refuses a wrong token in the handshake with 401", async () => {
    for (const headers of [
      { authorization: `Bearer ${token}x` },
      basic("other"),
      { authorization: "Bearer " },
    ]) {
      expect(await handshakeStatus(at.running.url, { headers })).toBe(401);
    }
  });

  it.each([
    ["no token", {}],
    ["a wrong token", { token: "other" }],
    ["an empty token", { token: "" }],
  ])("[T-4] [E-1] answers hello with %s by unauthorized", async (_, fields: { token?: string }) => {
    const end = await RawEnd.dial(at.running.url);
    end.send({ type: "hello", protocol: 1, software: "raw/0", ...fields });
    expect(await end.closedBy()).toMatchObject({
      code: 4401,
      reason: "unauthorized",
      error: { code: "unauthorized" },
    });
  });

  it("[S-2] resuming takes the token too", async () => {
    const end = await RawEnd.greet(at.running.url, token);
    await end.open(at.pipe());
    const stranger = await RawEnd.dial(at.running.url);
    stranger.send({ type: "hello", protocol: 1, software: "raw/0", resume: end.resumption([]) });
    expect(await stranger.closedBy()).toMatchObject({ code: 4401 });
    await fence(end);
    await end.close();
  });
}

function beats(start: Start): void {
  const at = place(start, { pingMs: 40, pingBusyMs: 40, graceMs: 60_000 });

  it("[T-5] pings, and keeps an end that answers and says nothing else", async () => {
    const end = await at.greet();
    await eventually("six pings", () => Promise.resolve(end.link.pings >= 6));
    await fence(end);
  });

  it("[T-5] gives up a connection that has been silent for two periods", async () => {
    const end = await at.dial({ autoPong: false });
    await end.hello();
    await end.link.closed;
  });
}

function hello(start: Start): void {
  const at = place(start);

  it("[S-1] the first message of the satellite is welcome", async () => {
    const end = await at.dial();
    const welcome = await end.hello();
    expect(welcome).toMatchObject({ protocol: 1, resumed: false, graceMs: limits.graceMs });
    expect(welcome.expired ?? false).toBe(false);
    expect(welcome.software).not.toBe("");
    expect(welcome.secret.length).toBeGreaterThanOrEqual(22);
  });

  it("[S-2] every session has a name and a secret of its own", async () => {
    const [one, two] = await at.greetAll(2);
    expect(one.welcome?.session).not.toBe(two.welcome?.session);
    expect(one.welcome?.secret).not.toBe(two.welcome?.secret);
  });

  it("[S-1] refuses another message before hello", async () => {
    const end = await at.dial();
    end.send({ type: "list", ref: 1 });
    expect(await end.closedBy()).toMatchObject({
      code: 1002,
      reason: "protocol",
      error: { code: "protocol" },
    });
  });

  it("[S-1] refuses a data frame before hello", async () => {
    const end = await at.dial();
    end.sendBytes(encodeChunk(1, 0, Flag.final, new Uint8Array(1)).frame);
    expect(await end.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it("[S-1] refuses a second hello", async () => {
    const end = await at.greet();
    end.send({ type: "hello", protocol: 1, software: "raw/0" });
    expect(await end.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
  });

  it.each([0, 2])("[V-1] refuses version %i, and names both versions", async (protocol) => {
    const end = await at.dial();
    end.send({ type: "hello", protocol, software: "strange/7.7" });
    const closed = await end.closedBy();
    expect(closed).toMatchObject({ code: 4426, reason: "version", error: { code: "version" } });
    expect(closed.error?.message).toContain("strange/7.7");
    const { welcome } = await at.greet();
    expect(closed.error?.message).toContain(welcome?.software);
    expect(closed.error?.message).toMatch(/older|newer/);
  });
}

function silence(start: Start): void {
  const at = place(start, { helloMs: 50 });

  it("[S-1] closes a connection that does not say hello in time", async () => {
    const end = await at.dial();
    expect(await end.closedBy()).toMatchObject({ code: 4408, reason: "timeout", error: { code: "timeout" } });
  });

  it("[S-1] does not close one that has said it", async () => {
    const [quiet, late] = [await at.greet(), await at.dial()];
    await late.closedBy();
    await fence(quiet);
  });
}

function garbage(start: Start): void {
  const at = place(start);
  const refusedTexts = endVectors.filter(({ error }) => error !== undefined);
  const refusedFrames = dataVectors.filter(({ error }) => error !== undefined);

  it.each(refusedTexts.map((vector) => [vector.name, vector] as const))(
    "[C-1] [E-1] a message that is refused closes its connection: %s",
    async (_, { text, error }) => {
      const end = await at.greet();
      end.sendText(text);
      const closed = await end.closedBy();
      expect(closed.code).toBe(error === "too-large" ? 1009 : 1002);
      expect(closed.error?.code ?? "too-large").toBe(error);
    },
  );

  it.each(refusedFrames.map((vector) => [vector.name, vector] as const))(
    "[F-1] [F-2] [F-3] [E-1] a frame that is refused closes its connection: %s",
    async (_, { bytes, error }) => {
      const end = await at.greet();
      end.sendBytes(bytes);
      const closed = await end.closedBy();
      expect(closed.code).toBe(error === "too-large" ? 1009 : 1002);
      expect(closed.error?.code ?? "too-large").toBe(error);
    },
  );

  it("[F-1] a frame for a stream that is not this end's own closes its connection", async () => {
    const [thief, owner] = await at.greetAll(2);
    const writer = await owner.open(at.pipe());
    thief.sendBytes(encodeChunk(writer.stream, 0, Flag.final, Buffer.from("x")).frame);
    expect(await thief.closedBy()).toMatchObject({ code: 1002, error: { code: "protocol" } });
    writer.finish("mine\n");
    await writer.untilEndSafe();
  });

  it("[C-1] garbage costs nobody else anything", async () => {
    const pipe = at.pipe();
    const [reading, writing, breaking] = await at.greetAll(3);
    const reader = await reading.read(pipe);
    const writer = await writing.open(pipe);
    writer.write("before\n");
    await reader.untilText("before\n");
    breaking.sendText("garbage");
    await breaking.closedBy();
    writer.finish("after\n");
    await reader.untilDone();
    expect(reader.text).toBe("before\nafter\n");
  });

  it("[C-2] [V-2] ignores unknown fields and types that begin with x-", async () => {
    const end = await at.greet();
    end.sendText('{"type":"x-later","ref":"whatever"}');
    end.sendText('{"type":"list","ref":77,"colour":"red"}');
    expect((await end.next("listed", { ref: 77 })).last).toBe(true);
  });
}

export function connectionSuite(start: Start): void {
  parts(start, {
    handshakes: handshake,
    tokens,
    pings: beats,
    hello,
    silence,
    "what breaks the rules": garbage,
  });
}
