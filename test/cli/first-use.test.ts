/** What happens beside a setup that takes its time, and what is looked at before it begins. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeKey } from "../../cli/client/seal/key.ts";
import { deployAndRemember } from "../../cli/commands/common/first-use.ts";
import { recall, remember } from "../../cli/commands/common/remembered.ts";
import type { Place, Provider, Talk, Wishes } from "../../deploy/provider.ts";

const place: Place = { url: "unix:/nowhere" };
const deploy = vi.fn<() => Promise<Place>>();

vi.mock("../../cli/commands/common/providers.ts", () => ({
  providerNames: ["slow"],
  loadProvider: async (): Promise<Provider> => ({
    name: "slow",
    title: "slow",
    inEnvironment: () => null,
    credentials: async () => ({}),
    find: async () => place,
    deploy,
    upgrade: async () => place,
    destroy: async () => true,
    status: async () => null,
    reach: async () => place,
  }),
}));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "skypipe-first-"));
  vi.stubEnv("SKYPIPE_CONFIG_DIR", folder);
  vi.stubEnv("SKYPIPE_PASSPHRASE", "");
  deploy.mockReset().mockResolvedValue(place);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function talk(wishes: Wishes = {}): Talk {
  return { ask: null, tell: () => undefined, wishes };
}

it("the key of another setup that was faster is used: it may have sealed something already", async () => {
  const keys = makeKey();
  deploy.mockImplementation(async () => {
    remember({ name: "slow", provider: "slow", credentials: {}, place, keys }, true);
    return place;
  });
  expect((await deployAndRemember("slow", talk())).keys).toBe(keys);
  expect(recall().byDefault?.keys).toBe(keys);
});

it.each(["", "short"])(
  "a wish for a passphrase that is %j is refused before anything is made",
  async (text) => {
    vi.stubEnv("SKYPIPE_PASSPHRASE", text);
    await expect(deployAndRemember("slow", talk({ passphrase: true }))).rejects.toMatchObject({
      code: "usage",
    });
    expect(deploy).not.toHaveBeenCalled();
    expect(recall().satellites).toEqual([]);
  },
);
