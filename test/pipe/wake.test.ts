import { expect, it } from "vitest";
import { Broker } from "../../satellite/pipe/broker.ts";
import { limits } from "../../satellite/wire/limits.ts";
import { ALL } from "../../satellite/wire/rights.ts";

it("[S-6] a tick that comes too early is asked for again", () => {
  const broker = new Broker({
    limits: { ...limits, graceMs: 1000 },
    software: "test/0",
    storeName: "memory",
    startedMs: 0,
    equal: (a, b) => a === b,
  });
  const rights = ALL;
  const message = { type: "hello", protocol: 1, software: "test/0" } as const;
  broker.handle({ type: "hello", connection: 1, message, rights, secret: "s" }, 0);
  broker.handle({ type: "message", connection: 1, message: { type: "open", ref: 1, pipe: "p" } }, 0);
  const wake = { type: "wake", atMs: 1000 };
  expect(broker.handle({ type: "lost", connection: 1 }, 0)).toContainEqual(wake);
  expect(broker.handle({ type: "tick" }, 999)).toContainEqual(wake);
  expect(broker.idle).toBe(false);
  broker.handle({ type: "tick" }, 1000);
  expect(broker.idle).toBe(true);
});
