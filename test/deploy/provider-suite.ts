/** What every provider keeps to, whatever it deploys to: one satellite, found again, upgraded and gone without a rest. */
import { describe, expect, it } from "vitest";
import { connect, type Satellite } from "../../cli/client/connect.ts";
import type { Credentials, Place, Provider, Talk, Wishes } from "../../deploy/provider.ts";
import type { WireError } from "../../satellite/wire/errors.ts";
import { until } from "../support/until.ts";

/** Shorter values, such as the name of an organization, are no secrets. */
const SECRET_CHARS_MIN = 16;

/** A place that is empty at first and is cleared when the test ends. */
export interface Subject {
  /** Another computer with the same credentials gets one of its own. */
  provider(): Provider;
  readonly credentials: Credentials;
  readonly wishes?: Wishes;
  /** The satellites that run, by whatever names they have. */
  running(): Promise<readonly string[]> | readonly string[];
  /** What is there at all, running or not: all that must be gone, or would cost something. */
  leftovers(): Promise<readonly string[]> | readonly string[];
}

export interface SuiteOptions {
  /** False: what it buffers is in memory, and an upgrade refuses to lose that. */
  readonly keepsBacklog: boolean;
  /** It knows which bundle it has deployed. */
  readonly knowsBundle: boolean;
  /** It keeps the keys of sealing for other computers. */
  readonly keepsKeys: boolean;
}

/** Remembers what was told. */
class Account {
  readonly told: string[] = [];

  talk(subject: Subject): Talk {
    return {
      ask: null,
      tell: (step, text) => this.told.push(`${step}: ${text}`),
      wishes: { yes: true, ...subject.wishes },
    };
  }

  /** Those of these secrets that were told. */
  leaked(secrets: readonly (string | undefined)[]): (string | undefined)[] {
    return secrets.filter(
      (secret = "") => secret.length >= SECRET_CHARS_MIN && this.told.join("\n").includes(secret),
    );
  }
}

export function providerSuite(start: () => Promise<Subject> | Subject, options: SuiteOptions): void {
  describe("as every provider", () => {
    it("where nothing is, finds, tells, ends and upgrades nothing", async () => {
      const subject = await start();
      const provider = subject.provider();
      const talk = new Account().talk(subject);
      expect(await provider.find(subject.credentials)).toBeNull();
      expect(await provider.status(subject.credentials)).toBeNull();
      expect(await provider.destroy(subject.credentials, talk)).toBe(false);
      await expect(provider.upgrade(subject.credentials, talk)).rejects.toMatchObject({ code: "not-found" });
      expect(await subject.leftovers()).toEqual([]);
    });

    it("deploys one that carries bytes, and finds it from everywhere", async () => {
      const subject = await start();
      const { credentials } = subject;
      const account = new Account();
      const place = await subject.provider().deploy(credentials, account.talk(subject));
      expect(await subject.running()).toHaveLength(1);
      expect(await subject.provider().find(credentials)).toEqual(place);
      await carries(place);
      for (const known of [place, null]) {
        await carries(await subject.provider().reach(credentials, known));
      }
      expect(account.leaked([place.token, ...Object.values(credentials)])).toEqual([]);
    });

    it("says where it is and what runs there", async () => {
      const subject = await start();
      const place = await subject.provider().deploy(subject.credentials, new Account().talk(subject));
      const status = await subject.provider().status(subject.credentials);
      expect(status).toMatchObject({ place, where: expect.stringMatching(/\S/), state: expect.any(String) });
      expect(status?.version).toMatch(/^\d+\.\d+\.\d+/);
      const isHash = status?.bundle === undefined ? null : /^[0-9a-f]{64}$/.test(status.bundle);
      expect(isHash).toBe(options.knowsBundle ? true : null);
    });

    it("deployed again, it is the same one, and what it holds is there", async () => {
      const subject = await start();
      const { credentials } = subject;
      const place = await subject.provider().deploy(credentials, new Account().talk(subject));
      await leave(place, "kept");
      expect(await subject.provider().deploy(credentials, new Account().talk(subject))).toEqual(place);
      expect(await subject.running()).toHaveLength(1);
      expect(await take(place)).toBe("kept");
    });

    it("two computers at once end with one", async () => {
      const subject = await start();
      const computers = [subject.provider(), subject.provider(), subject.provider()];
      const deployed = computers.map((provider) =>
        provider.deploy(subject.credentials, new Account().talk(subject)),
      );
      const [place, ...others] = await Promise.all(deployed);
      if (place === undefined) throw new Error("none was deployed");
      for (const other of others) expect(other).toEqual(place);
      await until("one of them runs", async () => (await subject.running()).length === 1);
      await carries(place);
    });

    it(`an upgrade ${options.keepsBacklog ? "keeps what is buffered" : "refuses to lose what is buffered"}`, async () => {
      const subject = await start();
      const { credentials } = subject;
      const account = new Account();
      const place = await subject.provider().deploy(credentials, new Account().talk(subject));
      await leave(place, "buffered");
      const upgraded = await subject
        .provider()
        .upgrade(credentials, account.talk(subject))
        .catch((error: WireError) => error.code);
      expect(upgraded).toEqual(options.keepsBacklog ? place : "usage");
      expect(await take(place)).toBe("buffered");
      expect(await subject.provider().upgrade(credentials, account.talk(subject))).toEqual(place);
      await carries(place);
      expect(await subject.running()).toHaveLength(1);
      expect(account.leaked([place.token, ...Object.values(credentials)])).toEqual([]);
    });

    it(`${options.keepsKeys ? "keeps keys for" : "leaves keys to"} other computers`, async () => {
      const subject = await start();
      const isKeeper = subject.provider().keepKeys !== undefined;
      expect(isKeeper).toBe(options.keepsKeys);
      if (!isKeeper) return;
      const { credentials } = subject;
      const account = new Account();
      const talk = account.talk(subject);
      const place = await subject.provider().deploy(credentials, talk);
      const keep = async (keys: string, before: string | null): Promise<string | undefined> =>
        subject.provider().keepKeys?.(credentials, keys, before);
      expect(place.keys).toBeUndefined();
      const rivals = ["skypipe-key-of-one-computer", "skypipe-key-of-another-one"];
      const told = await Promise.all(rivals.map((keys) => keep(keys, null)));
      const [first = ""] = told;
      expect(rivals).toContain(first);
      expect(told).toEqual([first, first]);
      expect(await subject.provider().find(credentials)).toMatchObject({ keys: first });
      const rotated = `skypipe-key-of-later\n${first}`;
      expect(await keep(rotated, null)).toBe(first);
      expect(await keep(rotated, first)).toBe(rotated);
      expect(await keep(rotated, first)).toBe(rotated);
      expect(await subject.provider().upgrade(credentials, talk)).toMatchObject({ keys: rotated });
      expect(await subject.provider().deploy(credentials, talk)).toMatchObject({ keys: rotated });
      expect(account.leaked([...rivals, "skypipe-key-of-later"])).toEqual([]);
      await subject.provider().destroy(credentials, talk);
      expect((await subject.provider().deploy(credentials, talk)).keys).toBeUndefined();
    });

    it("destroyed, nothing is left; deployed again, it is there", async () => {
      const subject = await start();
      const { credentials } = subject;
      const place = await subject.provider().deploy(credentials, new Account().talk(subject));
      await leave(place, "lost");
      expect(await subject.provider().destroy(credentials, new Account().talk(subject))).toBe(true);
      await until("nothing is left", async () => {
        const left = await subject.leftovers();
        if (left.length > 0) throw new Error(left.join(", "));
        return true;
      });
      expect(await subject.provider().find(credentials)).toBeNull();
      expect(await subject.provider().status(credentials)).toBeNull();
      expect(await subject.provider().destroy(credentials, new Account().talk(subject))).toBe(false);
      const again = await subject.provider().deploy(credentials, new Account().talk(subject));
      await carries(again);
      expect(await subject.running()).toHaveLength(1);
    });
  });
}

async function at<Answer>(place: Place, use: (satellite: Satellite) => Promise<Answer>): Promise<Answer> {
  const satellite = await connect({ url: place.url, token: place.token ?? "" });
  try {
    return await use(satellite);
  } finally {
    await satellite.close();
  }
}

const PIPE = "provider-suite";

/** Resolves when it is safe, with nobody there to read it. */
async function leave(place: Place, text: string): Promise<void> {
  await at(place, async (satellite) => {
    satellite.writer(PIPE).end(text);
    await satellite.drain();
  });
}

async function take(place: Place): Promise<string> {
  return at(place, async (satellite) => {
    const parts: Buffer[] = [];
    for await (const part of satellite.reader(PIPE)) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
  });
}

async function carries(place: Place): Promise<void> {
  await leave(place, "through the sky");
  expect(await take(place)).toBe("through the sky");
}
