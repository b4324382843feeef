/** The table of what goes wrong at Fly (FLY.md): each way is mended, or said in one sentence with the next step. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { appNames } from "../../deploy/fly/names.ts";
import type { Wishes } from "../../deploy/provider.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import type { Fault } from "./stand-in/faults.ts";
import { type Scene, useScene } from "./stand-in/scene.ts";

vi.setConfig({ testTimeout: 90_000 });

const apps = /^POST \/apps$/;
const machines = /^POST \/apps\/[^/]+\/machines$/;
const volumes = /^POST \/apps\/[^/]+\/volumes$/;
const addresses = /^POST \/apps\/[^/]+\/ip_assignments$/;
const always = Number.POSITIVE_INFINITY;

function answer(on: RegExp, status: number, body: unknown, times = 1): Fault {
  return { on, times, effect: { status, body } };
}

function error(on: RegExp, status: number, text: string, times = 1): Fault {
  return answer(on, status, { error: text }, times);
}

/** A sentence as the command says it: one line that holds no secret, with something to do. */
async function failureOf(scene: Scene, attempt: Promise<unknown>): Promise<WireError> {
  const failure = await attempt.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!(failure instanceof WireError)) throw new Error("that is no failure for people", { cause: failure });
  expect(failure.message).not.toMatch(/\n|\bundefined\b|\[object/);
  for (const secret of (scene.credentials["token"] ?? "").split(","))
    expect(failure.message).not.toContain(secret);
  return failure;
}

interface Row {
  readonly way: string;
  readonly faults?: readonly Fault[];
  readonly prepare?: (scene: Scene) => void;
  readonly wishes?: Wishes;
}

const mended: readonly Row[] = [
  {
    way: "the app is not there yet for seconds after its creation",
    faults: [
      error(/^GET \/apps\/[^/]+\/ip_assignments$/, 404, "app not found", 3),
      error(volumes, 404, "app not found", 2),
      error(machines, 404, "app not found", 4),
    ],
  },
  {
    way: "the name of the app is somebody else's",
    prepare: ({ standIn }) =>
      appNames("acme")
        .slice(0, 2)
        .map((name) => standIn.state.foreignApps.add(name)),
  },
  { way: "a false conflict without a body", faults: [answer(apps, 409, null, 2)] },
  {
    way: "a false conflict of the older API",
    faults: [error(apps, 422, "Validation failed: Name has already been taken", 2)],
  },
  { way: "a conflict in the database", faults: [error(apps, 422, "uniqueness constraint violated")] },
  { way: "the answer to the app is lost", faults: [{ on: apps, effect: "lose-answer" }] },
  {
    way: "the answers to the addresses are lost",
    faults: [{ on: addresses, times: 2, effect: "lose-answer" }],
  },
  { way: "the answer to the disk is lost", faults: [{ on: volumes, effect: "lose-answer" }] },
  { way: "the answer to the machine is lost", faults: [{ on: machines, effect: "lose-answer" }] },
  { way: "the request for the app is lost", faults: [{ on: apps, effect: "lose-request" }] },
  { way: "the request for an address is lost", faults: [{ on: addresses, effect: "lose-request" }] },
  { way: "the request for the disk is lost", faults: [{ on: volumes, effect: "lose-request" }] },
  { way: "the request for the machine is lost", faults: [{ on: machines, effect: "lose-request" }] },
  { way: "every look is lost once", faults: [{ on: /^GET .*machines$/, times: 2, effect: "lose-answer" }] },
  {
    way: "an address is there already",
    faults: [error(addresses, 409, "already assigned"), error(addresses, 422, "already assigned")],
    prepare: ({ standIn }) => {
      // It says so and is right, but for the list that was read before.
      standIn.fail({
        on: machines,
        effect: () => {
          standIn.apps[0]?.ips.push({ ip: "2a09::1", shared: false }, { ip: "66.1.1.1", shared: true });
        },
      });
    },
  },
  {
    way: "a proxy in between answers without JSON",
    faults: [
      answer(/^GET \/platform\/regions$/, 502, "<html>Bad Gateway</html>", 2),
      answer(machines, 503, "upstream connect error"),
    ],
  },
  { way: "the API asks to wait", faults: [answer(/./, 429, { error: "rate limited" }, 3)] },
  {
    way: "the API says how long to wait",
    faults: [{ on: machines, effect: { status: 429, body: null, headers: { "retry-after": "2" } } }],
  },
  {
    way: "the registry does not know the image for a moment",
    faults: [error(machines, 400, "failed to get manifest docker.io/library/node: MANIFEST_UNKNOWN", 2)],
  },
  {
    way: "some edges are out of reach",
    prepare: ({ standIn }) => {
      standIn.edge.refusals = 5;
    },
  },
  {
    way: "the host of the disk has no room for the machine",
    faults: [
      answer(machines, 412, {
        error: "insufficient resources to create new machine with existing volume id 'vol_123'",
        status: "volume_placement_capacity",
      }),
    ],
  },
  {
    way: "the nearest regions have no room",
    prepare: ({ standIn }) => standIn.state.fullRegions.add("fra").add("ams"),
  },
  {
    way: "the nearest region has room for a disk and for no machine",
    faults: [
      answer(machines, 422, { error: "could not find a candidate host", status: "insufficient_capacity" }),
    ],
  },
  {
    way: "the region has no room, in the words of a host",
    faults: [
      error(
        machines,
        409,
        "aborted: could not reserve resource for machine: insufficient memory available to fulfill request on the current host",
      ),
    ],
  },
  {
    way: "waiting is not known yet, and then takes long",
    faults: [
      error(/\/wait$/, 404, "machine not found", 2),
      error(
        /\/wait$/,
        408,
        "deadline_exceeded: machine failed to reach desired state, started, currently starting",
      ),
    ],
  },
];

describe("is mended", () => {
  it.each(mended.map((row) => [row.way, row] as const))("%s", async (_, { faults = [], prepare, wishes }) => {
    const scene = await useScene();
    prepare?.(scene);
    scene.standIn.fail(...faults);
    const place = await scene.deploy(wishes);
    scene.expectOne();
    expect(await scene.provider().find(scene.credentials)).toEqual(place);
  });

  it("moves the disk with the machine, and says where it went", async () => {
    const scene = await useScene();
    scene.standIn.state.fullRegions.add("fra");
    await scene.deploy();
    expect((await scene.provider().status(scene.credentials))?.region).toBe("ams");
    expect(scene.told.join("\n")).toMatch(/fra has no room/);
    expect([...(scene.standIn.apps[0]?.volumes.values() ?? [])].map(({ region }) => region)).toEqual(["ams"]);
  });

  it("the limits of the API are kept to without a failure", async () => {
    const scene = await useScene({ hasRates: true, factor: 1 });
    await scene.deploy();
    await scene.deploy();
    scene.expectOne();
  });

  it("a machine without an address gets one when it is set up again", async () => {
    const scene = await useScene();
    await scene.deploy();
    scene.standIn.apps[0]?.ips.splice(0);
    await scene.deploy();
    scene.expectOne();
  });
});

interface Refused extends Row {
  readonly code: string;
  readonly says: RegExp;
  /** How often the machine is asked for. */
  readonly requests?: number;
}

const payment =
  "To create more than 1 machine per app please add a payment method. https://fly.io/dashboard/acme/billing";

const refused: readonly Refused[] = [
  {
    way: "a payment method is missing",
    faults: [error(machines, 422, payment)],
    code: "forbidden",
    says: /payment method of the organization acme .*https:\/\/fly\.io\/dashboard\/acme\/billing/,
    requests: 1,
  },
  {
    way: "a payment method is missing, with another status",
    faults: [error(machines, 403, payment)],
    code: "forbidden",
    says: /payment method/,
    requests: 1,
  },
  {
    way: "the limit of machines is reached",
    faults: [
      error(machines, 422, "Your organization has reached its machine limit. Please contact billing@fly.io"),
    ],
    code: "limit",
    says: /limit of machines .* billing@fly\.io/,
    requests: 1,
  },
  {
    way: "no region has room",
    prepare: ({ standIn }) => {
      for (const code of ["fra", "ams", "cdg", "iad", "syd"]) standIn.state.fullRegions.add(code);
    },
    code: "full",
    says: /no room .* fra, ams, cdg, iad, syd.*later.*--region/,
  },
  {
    way: "the region that was wished for has no room",
    prepare: ({ standIn }) => standIn.state.fullRegions.add("ams"),
    wishes: { region: "ams" },
    code: "full",
    says: /no room for the satellite in ams just now.*--region/,
  },
  {
    way: "there is no such region",
    wishes: { region: "mars" },
    code: "usage",
    says: /no region 'mars'.*--region fra/,
    requests: 0,
  },
  {
    way: "there is no such size",
    wishes: { size: "huge" },
    code: "usage",
    says: /'huge' is no size/,
    requests: 0,
  },
  {
    way: "the files are too large",
    faults: [error(machines, 413, "request body too large")],
    code: "too-large",
    says: /too large/,
    requests: 1,
  },
  {
    way: "the files are too large, in words",
    faults: [error(machines, 422, "config.files exceeds the maximum size")],
    code: "too-large",
    says: /too large/,
    requests: 1,
  },
  {
    way: "the image can't be had",
    faults: [error(machines, 400, "failed to get manifest: MANIFEST_UNKNOWN", always)],
    code: "unreachable",
    says: /image of Node.*again/,
  },
  {
    way: "the network is not there",
    faults: [error(addresses, 400, "network not found")],
    code: "internal",
    says: /cannot give the satellite an address: Fly says "network not found" \(HTTP 400\) \(fly-request-id 01/,
  },
  {
    way: "a name that is no name",
    faults: [
      error(apps, 422, "Validation failed: Name under 63 chars using numbers, lowercase letters and dashes"),
    ],
    code: "internal",
    says: /cannot make an app: Fly says "Validation failed/,
  },
  {
    way: "the API has a defect for long",
    faults: [answer(/^GET .*machines$/, 500, "<html>oops</html>", always)],
    code: "unreachable",
    says: /HTTP 500.*goes on where it stopped/,
  },
  {
    way: "the API asks to wait for ever",
    faults: [answer(machines, 429, { error: "rate limited" }, always)],
    code: "limit",
    says: /fewer requests.*in a minute/,
  },
  {
    way: "the error repeats what was sent",
    prepare: ({ standIn, credentials }) => {
      const file = Buffer.alloc(3_000, 7).toString("base64");
      standIn.fail(
        error(
          machines,
          400,
          `invalid: FlyV1 ${credentials["token"]} {"files":["${file}"]} ${file.slice(0, 60)}`,
        ),
      );
    },
    code: "internal",
    says: /Fly says "invalid: FlyV1 … \{"files":\["…"\]\} …"/,
    requests: 1,
  },
];

describe("is refused", () => {
  it.each(refused.map((row) => [row.way, row] as const))("%s", async (_, row) => {
    const scene = await useScene();
    row.prepare?.(scene);
    scene.standIn.fail(...(row.faults ?? []));
    const failure = await failureOf(scene, scene.deploy(row.wishes));
    expect(failure.message).toMatch(row.says);
    expect(failure.code).toBe(row.code);
    const asked = scene.standIn.requests.filter((request) => machines.test(request));
    expect(asked).toHaveLength(row.requests ?? asked.length);
    expect(scene.standIn.machines).toEqual([]);
  });

  it.each(["created", "starting", "failed"] as const)("a machine that stays %s", async (state) => {
    const scene = await useScene({ factor: 400 });
    scene.standIn.stuckIn = state;
    const failure = await failureOf(scene, scene.deploy());
    expect(failure.message).toMatch(
      new RegExp(`does not start \\(${state}, last event launch\\): run skypipe setup fly again`),
    );
    expect(failure.code).toBe("unreachable");
  });

  it("machines of a trial that stop", async () => {
    const scene = await useScene({ factor: 400 });
    scene.standIn.stuckIn = "failed";
    scene.standIn.fail({
      on: /\/wait$/,
      effect: () => {
        scene.standIn.machines[0]?.events.push({
          id: "1",
          type: "exit",
          status: "trial machine stopping",
          source: "flyd",
          timestamp: 1,
        });
      },
    });
    const failure = await failureOf(scene, scene.deploy());
    expect(failure.message).toMatch(/trial after 5 minutes.*payment method at https/);
  });

  it("an edge that never lets anybody through", async () => {
    const scene = await useScene({ factor: 100 });
    scene.standIn.edge.refusals = 1_000_000;
    const failure = await failureOf(scene, scene.deploy());
    expect(failure.message).toMatch(/machine runs, but skypipe-\S+ does not answer .*setup fly again/);
    scene.standIn.edge.refusals = 0;
    await scene.deploy();
    scene.expectOne();
  });

  it("a host that can't be reached: the machine tells nothing of itself", async () => {
    const scene = await useScene();
    await scene.deploy();
    for (const machine of scene.standIn.machines) machine.hostStatus = "unreachable";
    const attempts = [
      () => scene.deploy(),
      () => scene.provider().find(scene.credentials),
      () => scene.provider().upgrade(scene.credentials, scene.talk()),
    ];
    for (const attempt of attempts) {
      const failure = await failureOf(scene, attempt());
      expect(failure.code).toBe("unreachable");
      expect(failure.message).toMatch(/host of the satellite's machine \w+ at Fly can't be reached.*later/);
    }
    expect(await scene.provider().destroy(scene.credentials, scene.talk())).toBe(true);
    expect(scene.standIn.leftovers).toEqual([]);
  });

  it("a disk with a backlog stays where it is, and is not given up unasked", async () => {
    const scene = await useScene();
    await scene.deploy();
    const [app] = scene.standIn.apps;
    const [machine] = scene.standIn.machines;
    if (app === undefined || machine === undefined) throw new Error("nothing was deployed");
    await scene.standIn.stop(machine);
    app.machines.clear(); // by hand, in the dashboard
    for (const volume of app.volumes.values()) volume.attached_machine_id = null;
    scene.standIn.state.fullRegions.add("fra");
    const failure = await failureOf(scene, scene.deploy());
    expect(failure.message).toMatch(/disk vol_\w+ with what waited .* in fra.*again later.*skypipe reset/);
    expect(app.volumes.size).toBe(1);
    scene.standIn.state.fullRegions.clear();
    await scene.deploy();
    scene.expectOne();
  });
});

describe("a host that does not answer at all", () => {
  it("is named, with why", async () => {
    const scene = await useScene();
    const { FLY_API_HOSTNAME: api = "" } = scene.standIn.env;
    await scene.standIn.close();
    const failure = await failureOf(scene, scene.deploy());
    expect(failure.code).toBe("unreachable");
    expect(failure.message).toMatch(`cannot reach Fly's API at ${new URL(api).host}: nobody listens there`);
  });
});

interface Example {
  operation: string;
  status: number | null;
  body: unknown;
}

const file = fileURLToPath(new URL("../../../shared/specs/fly/examples/errors.json", import.meta.url));

/** Where each kind of request of the vendor's examples is met. */
const operations: readonly (readonly [RegExp, RegExp])[] = [
  [/any|GET app|GET \/v1\/apps/, /^GET \/apps\/[^/]+\/machines$/],
  [/POST \/v1\/apps/, apps],
  [/ip_assignments/, addresses],
  [/POST (update|start)|^region$/, machines],
  [/POST machines/, machines],
  [/GET wait/, /\/wait$/],
];

function examples(): Example[] {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { examples: Example[] }).examples;
  } catch (cause) {
    if (process.env.CI === "true") throw cause;
    process.stderr.write(`the vendor's error examples are not tried: ${file} is not there\n`);
    return [];
  }
}

describe("every error that was seen at Fly", () => {
  it.each(examples().map((example) => [`${example.operation}: ${example.status ?? "?"}`, example] as const))(
    "%s",
    async (_, { operation, status, body }) => {
      const scene = await useScene({ factor: 400 });
      const on = operations.find(([pattern]) => pattern.test(operation))?.[1];
      if (on === undefined) throw new Error(`no request for ${operation}`);
      scene.standIn.fail(answer(on, status ?? 422, body, 1));
      // Once: it is mended, or said in a sentence; and the next attempt ends with one satellite whatever was left.
      const outcome = await scene.deploy().then(
        () => null,
        (failure: unknown) => failureOf(scene, Promise.reject(failure as Error)),
      );
      expect(outcome?.message ?? "mended").toMatch(/^(mended|\S.{20,400})$/);
      await scene.deploy();
      scene.expectOne();
    },
  );
});
