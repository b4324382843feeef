/** Tokens that do not allow everything: no satellite gives them out yet, but the doors and the law keep to them. */
import { describe, expect, it } from "vitest";
import { nowMs } from "../../satellite/engine.ts";
import { equalSecrets, type Keyring } from "../../satellite/keys/tokens.ts";
import { Broker } from "../../satellite/pipe/broker.ts";
import { limits } from "../../satellite/wire/limits.ts";
import type { EndMessage } from "../../satellite/wire/messages.ts";
import { bearer, RawEnd } from "../support/raw-end.ts";
import { ask } from "./ask.ts";
import { useScripted } from "./use-satellite.ts";

/** `all` opens everything; `in` may write to the pipe `in`, `out` may read from the pipe `out`. */
const keyring: Keyring = {
  rightsOf: (token) =>
    token === null || !["all", "in", "out"].includes(token)
      ? null
      : {
          mayRead: (pipe) => token === "all" || (token === "out" && pipe === "out"),
          mayWrite: (pipe) => token === "all" || (token === "in" && pipe === "in"),
          mayManage: token === "all",
        },
};

async function start(): Promise<string> {
  const options = { limits, software: "skypipe/test", storeName: "memory", startedMs: nowMs() };
  return (await useScripted(new Broker({ ...options, equal: equalSecrets }), { keyring })).url;
}

describe("rights", () => {
  it.each<[string, string, EndMessage]>([
    ["to write where it may read", "out", { type: "open", ref: 9, pipe: "out" }],
    ["to read where it may write", "in", { type: "read", ref: 9, pipe: "in", mode: "plain" }],
    ["to write elsewhere", "in", { type: "open", ref: 9, pipe: "other" }],
    ["to tap", "in", { type: "read", ref: 9, pipe: "out", mode: "tap" }],
    ["to peek", "in", { type: "read", ref: 9, pipe: "in", mode: "peek" }],
    ["to list", "in", { type: "list", ref: 9 }],
    ["to remove", "out", { type: "remove", ref: 9, pipe: "out" }],
    ["to inspect", "out", { type: "inspect", ref: 9 }],
  ])("[C-5] answers a request %s by forbidden, and goes on", async (_, token, message) => {
    const url = await start();
    const end = await RawEnd.greet(url, token);
    end.send(message);
    expect(await end.next("error")).toMatchObject({ ref: 9, code: "forbidden" });
    if (token === "in") (await end.open("in")).finish("allowed\n");
    else await end.read("out");
    await end.close();
  });

  it("[C-5] answers 403 at /p to a token that may not list", async () => {
    const url = await start();
    expect(await ask(url, "/p", { headers: bearer("in") })).toMatchObject({ status: 403 });
    expect(await ask(url, "/p", { headers: bearer("all") })).toMatchObject({ status: 200, body: "[]\n" });
    expect(await ask(url, "/p", { headers: bearer("none") })).toMatchObject({ status: 401 });
    expect(await ask(url, "/p")).toMatchObject({ status: 401 });
  });

  it("[S-2] checks rights again on a resume, and ends what they do not allow any more", async () => {
    const url = await start();
    const end = await RawEnd.greet(url, "all");
    const reader = await end.read("out");
    const writer = await end.open("elsewhere");
    const { welcome } = await end.resume({ token: "out" });
    expect(welcome.resumed).toBe(true);
    expect(await end.next("error")).toMatchObject({ ref: writer.ref, code: "forbidden" });
    expect(end.has("error", { ref: reader.ref })).toBe(false);
    await end.close();
  });
});
