/** An upgrade at Fly: under a lease, from what is there, and what others have added stays. */
import { brotliDecompressSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { type Bundle, bundleOf, compressBundle, ownBundle } from "../../deploy/bundle.ts";
import { deployedOf } from "../../deploy/fly/machine-config.ts";
import { type Fault } from "./stand-in/faults.ts";
import { useScene } from "./stand-in/scene.ts";
import type { StandIn } from "./stand-in/stand-in.ts";
import type { MachineState } from "./stand-in/state.ts";

vi.setConfig({ testTimeout: 90_000 });

function build(version: string): Bundle {
  const script = brotliDecompressSync(ownBundle().files[1].contents).toString();
  return bundleOf(compressBundle(Buffer.from(`${script}\n// ${version}\n`)), version);
}

const old = build("0.9.0");
const fresh = build("1.0.0");
const update = /^POST \/apps\/[^/]+\/machines\/[^/]+$/;
const lease = /^POST .*\/lease$/;

function only(standIn: StandIn): MachineState {
  const [machine] = standIn.machines;
  if (machine === undefined || standIn.machines.length !== 1) throw new Error("there is not one machine");
  return machine;
}

it("changes the satellite and nothing else: disk, size, token, and what others have added", async () => {
  const scene = await useScene({ bundle: old });
  const place = await scene.deploy({ size: "512MB" });
  const machine = only(scene.standIn);
  machine.config = {
    ...machine.config,
    env: { ...machine.config.env, TZ: "UTC" },
    metadata: { ...machine.config.metadata, keys: "precious" },
    files: [...(machine.config.files ?? []), { guest_path: "/etc/motd", raw_value: "aGk=" }],
    dns: { skip_registration: true },
  };
  const before = machine.config;
  expect(await scene.provider(fresh).upgrade(scene.credentials, scene.talk())).toEqual(place);
  const { config } = only(scene.standIn);
  expect(config.mounts).toEqual(before.mounts);
  expect(config.guest).toEqual({ cpu_kind: "shared", cpus: 1, memory_mb: 512 });
  expect(config.env).toEqual(before.env);
  expect(config.dns).toEqual({ skip_registration: true });
  expect(config.metadata).toMatchObject({ keys: "precious", skypipe_id: before.metadata?.["skypipe_id"] });
  expect(config.files?.map((file) => file.guest_path).toSorted()).toEqual([
    "/etc/motd",
    "/skypipe/boot.cjs",
    "/skypipe/satellite.br",
  ]);
  expect(deployedOf({ id: "", config })).toMatchObject({ version: "1.0.0", sha256: fresh.sha256 });
  expect(only(scene.standIn).lease).toBeNull();
  const status = await scene.provider(fresh).status(scene.credentials);
  expect(status).toMatchObject({ version: "1.0.0", bundle: fresh.sha256 });
});

const passing: readonly (readonly [string, readonly Fault[]])[] = [
  ["the answer is lost", [{ on: update, effect: "lose-answer" }]],
  ["the request is lost", [{ on: update, effect: "lose-request" }]],
  [
    "another change came between",
    [
      {
        on: update,
        effect: { status: 409, body: { error: "aborted: machine update failed due to concurrent update" } },
      },
    ],
  ],
  ["the API has a moment", [{ on: update, effect: { status: 502, body: "Bad Gateway" } }]],
  ["the lease is not given back", [{ on: /^DELETE .*\/lease$/, effect: { status: 404, body: null } }]],
  [
    "it is not known yet that it starts again",
    [{ on: /\/wait$/, times: 2, effect: { status: 404, body: { error: "not found" } } }],
  ],
];

describe("an upgrade goes through where", () => {
  it.each(passing)("%s", async (_, faults) => {
    const scene = await useScene({ bundle: old });
    const place = await scene.deploy();
    scene.standIn.fail(...faults);
    expect(await scene.provider(fresh).upgrade(scene.credentials, scene.talk())).toEqual(place);
    expect(await scene.provider(fresh).status(scene.credentials)).toMatchObject({ bundle: fresh.sha256 });
    scene.expectOne();
  });
});

const failing: readonly (readonly [string, readonly Fault[], string, RegExp])[] = [
  [
    "another computer is at it",
    [{ on: lease, effect: { status: 409, body: { error: "failed_precondition: machine is leased" } } }],
    "limit",
    /another computer is changing the satellite at this moment: wait a minute/,
  ],
  [
    "the host is full",
    [
      {
        on: update,
        effect: {
          status: 409,
          body: {
            error:
              "aborted: could not reserve resource for machine: insufficient memory available to fulfill request on the current host",
          },
        },
      },
    ],
    "full",
    /no room just now to put another satellite onto the machine: try again later/,
  ],
  [
    "the token is read-only",
    [{ on: lease, effect: { status: 403, body: { error: "unauthorized" } } }],
    "forbidden",
    /read-only/,
  ],
];

describe("an upgrade leaves what runs as it is where", () => {
  it.each(failing)("%s", async (_, faults, code, says) => {
    const scene = await useScene({ bundle: old });
    await scene.deploy();
    const { instance_id: before } = only(scene.standIn);
    scene.standIn.fail(...faults);
    await expect(scene.provider(fresh).upgrade(scene.credentials, scene.talk())).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says) as unknown,
    });
    expect(only(scene.standIn)).toMatchObject({ instance_id: before, lease: null, state: "started" });
    expect(await scene.provider(old).status(scene.credentials)).toMatchObject({ bundle: old.sha256 });
  });
});

it("two computers that upgrade at once end with one satellite of that version", async () => {
  const scene = await useScene({ bundle: old });
  const place = await scene.deploy();
  const both = await Promise.allSettled(
    [1, 2].map(() => scene.provider(fresh).upgrade(scene.credentials, scene.talk())),
  );
  expect(both.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(await scene.provider(fresh).upgrade(scene.credentials, scene.talk())).toEqual(place);
  scene.expectOne();
});

it("setup leaves another version that is well as it is, and says how it is changed", async () => {
  const scene = await useScene({ bundle: old });
  const place = await scene.deploy();
  expect(await scene.provider(fresh).deploy(scene.credentials, scene.talk())).toEqual(place);
  expect(scene.told.at(-1)).toMatch(/it runs version 0\.9\.0: skypipe upgrade puts this one there/);
  expect(await scene.provider().status(scene.credentials)).toMatchObject({ version: "0.9.0" });
});

it("setup repairs an older one that does not come up, and never replaces a later one", async () => {
  const scene = await useScene({ bundle: old, factor: 30 });
  const place = await scene.deploy();
  const machine = only(scene.standIn);
  const broken = { ...machine.config, init: { exec: ["/usr/local/bin/node", "/skypipe/none.cjs"] } };
  machine.config = broken;
  await scene.standIn.stop(machine);
  scene.standIn.start(machine);
  expect(await scene.provider(fresh).deploy(scene.credentials, scene.talk())).toEqual(place);
  expect(await scene.provider(fresh).status(scene.credentials)).toMatchObject({ version: "1.0.0" });
  const again = only(scene.standIn);
  again.config = { ...again.config, init: broken.init };
  await scene.standIn.stop(again);
  scene.standIn.start(again);
  await expect(scene.provider(old).deploy(scene.credentials, scene.talk())).rejects.toMatchObject({
    code: "unreachable",
  });
});
