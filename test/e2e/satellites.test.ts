/** Several satellites, known by name; which one is used, told of, upgraded and forgotten. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { useSatellite } from "../client/library.ts";
import type { Bed } from "../support/bed.ts";
import { useBed } from "../support/use-bed.ts";

/** Two satellites of this computer: `a` is the default. They are one process, as this computer has one. */
async function useTwo(): Promise<Bed> {
  const bed = useBed();
  await bed.skypipe(["setup", "local", "--name", "a"]).exits(0);
  await bed.skypipe(["setup", "local", "--name", "b"]).exits(0);
  return bed;
}

async function defaultOf(bed: Bed): Promise<unknown> {
  const { out } = await bed.skypipe(["check", "--json"]).exits(0);
  return (JSON.parse(out) as { name: unknown }).name;
}

interface Saved {
  version: number;
  default: string | null;
  satellites: Record<string, unknown>;
}

function saved(bed: Bed): Saved {
  return JSON.parse(readFileSync(bed.path("config/settings.json"), "utf8")) as Saved;
}

describe("setup", () => {
  it("with a name adds one; the first is the default, and another one if it shall be", async () => {
    const bed = await useTwo();
    expect(await defaultOf(bed)).toBe("a");
    await bed.skypipe(["setup", "--name", "b", "--default"]).exits(0);
    expect(await defaultOf(bed)).toBe("b");
    expect(Object.keys(saved(bed).satellites).toSorted()).toEqual(["a", "b"]);
    expect(statSync(bed.path("config/settings.json")).mode & 0o777).toBe(0o600);
  });

  it("without a name sets up the default", async () => {
    const bed = await useTwo();
    const { err } = await bed.skypipe(["setup", "local"]).exits(0);
    expect(err).toMatch(/the satellite is ready \(local\): try skypipe here/);
    expect(await defaultOf(bed)).toBe("local");
    const named = await bed.skypipe(["setup", "local", "--name", "c"]).exits(0);
    expect(named.err).toMatch(/\(c, local\): try skypipe --satellite c here/);
  });

  it("refuses a name that is none, or that another provider's has, before it does anything", async () => {
    const bed = await useTwo();
    expect((await bed.skypipe(["setup", "local", "--name", "a b"]).exits(2)).err).toMatch(/--name work/);
    const taken = await bed.skypipe(["setup", "ssh", "no.such.invalid", "--name", "a", "--yes"]).exits(2);
    expect(taken.err).toMatch(/'a' is remembered already \(local\).*skypipe reset --satellite a/);
  });

  it("does not touch settings of a later version, and a damaged file is told", async () => {
    const bed = useBed();
    for (const [text, sentence] of [
      ['{"version":99}', /settings\.json was written by a later version/],
      ["{", /settings\.json is damaged/],
    ] as const) {
      bed.write("config/settings.json", text);
      for (const line of [["setup", "local"], ["ls"], ["check"], ["upgrade"], ["reset", "--yes"]]) {
        expect((await bed.skypipe(line).exits(2)).err).toMatch(sentence);
      }
      expect(readFileSync(bed.path("config/settings.json"), "utf8")).toBe(text);
    }
  });
});

describe("--satellite", () => {
  it("goes with every verb, and before the environment", async () => {
    const bed = await useTwo();
    const env = { SKYPIPE_SATELLITE: "http://127.0.0.1:1" };
    await bed.shell("echo one | skypipe --satellite b x", { env }).exits(0);
    await bed.shell("echo two | skypipe send x --satellite b", { env }).exits(0);
    for (const line of [["ls"], ["check"], ["peek", "x"], ["upgrade"]]) {
      await bed.skypipe([...line, "--satellite", "b"], { env }).exits(0);
    }
    expect((await bed.skypipe(["recv", "x", "--satellite", "b"], { env }).exits(0)).out).toBe("one\n");
    await bed.skypipe(["rm", "x", "--satellite", "b"], { env }).exits(0);
    await bed.skypipe(["--satellite=local", "x", "--timeout", "10ms"], { env }).exits(124);
  });

  it("that nobody has is told with those that there are", async () => {
    const bed = await useTwo();
    const { err } = await bed.skypipe(["ls", "--satellite", "c"]).exits(2);
    expect(err).toMatch(/no satellite is called 'c' here: use one of local, a, b/);
  });
});

describe("check", () => {
  it("says where it is, which bundle, for how long, and which others there are", async () => {
    const bed = await useTwo();
    const report = (await bed.skypipe(["check"]).exits(0)).out;
    expect(report).toMatch(/^satellite +a, local, unix:\//m);
    expect(report).toMatch(/^where +this computer$/m);
    expect(report).toMatch(/^up since .*Z, for \d+:\d\d$/m);
    expect(report).toMatch(/^others +b$/m);
    const facts = JSON.parse((await bed.skypipe(["check", "--json"]).exits(0)).out) as object;
    expect(facts).toMatchObject({ name: "a", where: "local", region: null, bundle: null, others: ["b"] });
  });

  it("of an address says the same of it", async () => {
    const bed = useBed();
    const { url } = await bed.satellite();
    const facts = JSON.parse((await bed.skypipe(["check", "--json"]).exits(0)).out) as object;
    expect(facts).toMatchObject({ where: "address", name: null, url, place: null, others: [] });
  });
});

describe("upgrade", () => {
  it("of the same version does nothing, and says so", async () => {
    const bed = await useTwo();
    const { err, out } = await bed.skypipe(["upgrade", "--json"]).exits(0);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ name: "a", upgraded: false });
    expect((await bed.skypipe(["upgrade"]).exits(0)).err).toMatch(/\(a\) is of this version already/);
  });

  it("of one that was started by hand says what to do", async () => {
    const bed = useBed();
    await bed.satellite();
    expect((await bed.skypipe(["upgrade"]).exits(0)).err).toMatch(/is of this version already/);
    bed.env.SKYPIPE_SATELLITE = await useSatellite({ software: "skypipe/0.0.1" });
    const { err } = await bed.skypipe(["upgrade"]).exits(2);
    expect(err).toMatch(
      /\(0\.0\.1\) was started by hand: install skypipe \d+\.\d+\.\d+ there, stop it, and start it/,
    );
  });

  it("without a satellite is exit 3", async () => {
    expect((await useBed().skypipe(["upgrade"]).exits(3)).err).toMatch(/no satellite is known here/);
  });
});

describe("reset", () => {
  it("of the default leaves none: what was meant for it does not go elsewhere", async () => {
    const bed = await useTwo();
    await bed.skypipe(["reset", "--yes"]).exits(0);
    const { err } = await bed.skypipe(["ls"]).exits(2);
    expect(err).toMatch(/none of the satellites that are known here \(b\) is the default: say --satellite b/);
    await bed.skypipe(["ls", "--satellite", "b"]).exits(0);
    await bed.skypipe(["reset", "--satellite", "b", "--yes"]).exits(0);
    await bed.skypipe(["ls"]).exits(3);
  });

  it("does not end one while SKYPIPE_SATELLITE has another one used", async () => {
    const bed = await useTwo();
    const env = { SKYPIPE_SATELLITE: "https://pipes.example.com" };
    const { err } = await bed.skypipe(["reset", "--yes"], { env }).exits(2);
    expect(err).toMatch(/SKYPIPE_SATELLITE names another satellite .*\(a\).*--satellite a/);
    expect(await defaultOf(bed)).toBe("a");
    await bed.skypipe(["reset", "--yes", "--satellite", "a"], { env }).exits(0);
  });

  it("of one that can't be reached says how it is forgotten at least", async () => {
    const bed = useBed();
    const lab = { provider: "ssh", credentials: { host: "no.such.invalid" }, place: null };
    bed.write("config/settings.json", JSON.stringify({ version: 2, default: "lab", satellites: { lab } }));
    const { err } = await bed.skypipe(["reset", "--yes"]).exits(3);
    expect(err).toMatch(/ssh no\.such\.invalid failed .*; skypipe reset --forget leaves it as it is/);
    await bed.skypipe(["reset", "--forget"]).exits(0);
    await bed.skypipe(["ls"]).exits(3);
  });

  it("--forget leaves it running", async () => {
    const bed = await useTwo();
    await bed.shell("echo kept | skypipe x").exits(0);
    const { out } = await bed.skypipe(["reset", "--forget", "--satellite", "b", "--json"]).exits(0);
    expect(JSON.parse(out)).toEqual({ where: "local", name: "b", stopped: false });
    expect(Object.keys(saved(bed).satellites)).toEqual(["a"]);
    expect((await bed.skypipe(["x"]).exits(0)).out).toBe("kept\n");
  });

  it("asks on a terminal, and a no changes nothing", async () => {
    const bed = await useTwo();
    await bed.shell("echo kept | skypipe x").exits(0);
    const screen = await bed.screen();
    await screen.type("skypipe reset");
    // Five bytes, and the tag of each sealed chunk: the end may be one of its own.
    await screen.shows(/End the satellite \(a, local\)\? What it holds is lost: (21|37) B in 1 stream/);
    await screen.type("n");
    await screen.shows(/nothing was changed/);
    expect(existsSync(bed.path("config/settings.json"))).toBe(true);
    expect((await bed.skypipe(["x"]).exits(0)).out).toBe("kept\n");
  });
});
