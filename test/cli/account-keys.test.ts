/** Keys of an account: made once, kept with a provider that can, united with what other computers know. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeKey } from "../../cli/client/seal/key.ts";
import { Keyring } from "../../cli/client/seal/keyring.ts";
import { addKeys, keysFor, united } from "../../cli/commands/common/account-keys.ts";
import type { Place, Provider, Talk } from "../../deploy/provider.ts";

const old = makeKey(Date.UTC(2025, 0, 1));
const recent = makeKey(Date.UTC(2026, 0, 1));
const talk: Talk = { ask: null, tell: () => {}, wishes: {} };
const place: Place = { url: "https://sat.example.com" };

beforeEach(() => vi.stubEnv("SKYPIPE_PASSPHRASE", undefined));
afterEach(() => vi.unstubAllEnvs());

/** A provider that keeps what it is given; `rival` is what another computer gives it just before. */
function keeper(kept: string | null = null, rival: string | null = null): Provider & { kept: string | null } {
  const provider = {
    kept,
    find: async () => ({ ...place, ...(provider.kept !== null && { keys: provider.kept }) }),
    keepKeys: async (_: unknown, keys: string, before: string | null) => {
      if (rival !== null) provider.kept = rival;
      rival = null;
      if (provider.kept === before) provider.kept = keys;
      return provider.kept ?? "";
    },
  };
  return provider as unknown as Provider & { kept: string | null };
}

const forgetful = {} as Provider;

async function afterSetup(
  provider: Provider & { kept: string | null },
  known: string | null,
): Promise<string> {
  const found = provider.kept === null ? place : { ...place, keys: provider.kept };
  return keysFor(provider, {}, { place: found, known, talk });
}

describe("united", () => {
  it("has each key once, the newest first, whatever comes first", () => {
    expect(united([old, recent, old])).toBe(`${recent}\n${old}`);
    expect(united(["", ""])).toBe("");
  });
});

describe("setup", () => {
  it("makes a key where there is none, and keeps the one that there is", async () => {
    const made = await keysFor(forgetful, {}, { place, known: null, talk });
    expect(Keyring.parse(made)?.keys).toHaveLength(1);
    expect(await keysFor(forgetful, {}, { place, known: made, talk })).toBe(made);
  });

  it("gives it to a provider that keeps it, so that a second computer finds it", async () => {
    const provider = keeper();
    const made = await afterSetup(provider, null);
    expect(provider.kept).toBe(made);
    expect(await afterSetup(provider, null)).toBe(made);
  });

  it("of two computers at once ends with what both know", async () => {
    const provider = keeper(null, old);
    const made = await afterSetup(provider, recent);
    expect(made).toBe(`${recent}\n${old}`);
    expect(provider.kept).toBe(made);
  });

  it("takes the key of a computer that was faster in place of a new one, which that one would not know", async () => {
    const provider = keeper(null, old);
    expect(await afterSetup(provider, null)).toBe(old);
    expect(provider.kept).toBe(old);
  });

  it("gives a provider what it does not have yet", async () => {
    const provider = keeper(old);
    expect(await afterSetup(provider, recent)).toBe(`${recent}\n${old}`);
    expect(provider.kept).toBe(`${recent}\n${old}`);
  });
});

describe("a key that is added", () => {
  it("is united with what is known here, and with what the provider keeps", async () => {
    const provider = keeper(old);
    expect(await addKeys(provider, {}, { added: recent, known: "", talk })).toBe(`${recent}\n${old}`);
    expect(provider.kept).toBe(`${recent}\n${old}`);
    expect(await addKeys(forgetful, {}, { added: recent, known: old, talk })).toBe(`${recent}\n${old}`);
  });
});

describe("--passphrase", () => {
  const wrapping: Talk = { ...talk, wishes: { passphrase: true } };

  it("keeps nothing with the provider that is readable without it, and finds it again with it", async () => {
    vi.stubEnv("SKYPIPE_PASSPHRASE", "correct horse battery");
    const provider = keeper();
    const made = await keysFor(provider, {}, { place, known: null, talk: wrapping });
    expect(made).toMatch(/^skypipe_k1_/);
    expect(provider.kept).toMatch(/^skypipe_p1_\S+$/);
    expect(await afterSetup(provider, null)).toBe(made);
    vi.stubEnv("SKYPIPE_PASSPHRASE", "another one, also long");
    await expect(afterSetup(provider, null)).rejects.toMatchObject({ code: "usage" });
    vi.stubEnv("SKYPIPE_PASSPHRASE", undefined);
    await expect(afterSetup(provider, null)).rejects.toThrow(/SKYPIPE_PASSPHRASE/);
  }, 90_000);

  it("is kept to when a key is added", async () => {
    vi.stubEnv("SKYPIPE_PASSPHRASE", "correct horse battery");
    const provider = keeper();
    await keysFor(provider, {}, { place, known: old, talk: wrapping });
    expect(await addKeys(provider, {}, { added: recent, known: "", talk })).toBe(`${recent}\n${old}`);
    expect(provider.kept).toMatch(/^skypipe_p1_\S+\nskypipe_p1_\S+$/);
  }, 90_000);

  it("asks on a terminal, and takes none that is guessed at once", async () => {
    const ask = { secret: async () => "secret" } as unknown as NonNullable<Talk["ask"]>;
    const short = keysFor(keeper(), {}, { place, known: null, talk: { ...wrapping, ask } });
    await expect(short).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/12/) as string,
    });
  });
});
