/** Whose token it is: each way in which one is wrong has its plain reason, and questions are asked only where needed. */
import { describe, expect, it } from "vitest";
import { flyProvider } from "../../deploy/fly/fly.ts";
import type { Ask, Credentials, Talk, Wishes } from "../../deploy/provider.ts";
import type { StandIn } from "./stand-in/stand-in.ts";
import type { Token } from "./stand-in/state.ts";
import { useStandIn } from "./stand-in/use-stand-in.ts";

/** Answers in turn; what a check refuses is answered anew, as a person would. */
class Person implements Ask {
  readonly asked: string[] = [];
  readonly reasons: string[] = [];
  readonly #answers: string[];

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  async choose<Value extends string>(message: string, choices: readonly { value: Value }[]): Promise<Value> {
    const answer = this.#next(message);
    return (choices.find(({ value }) => value === answer) ?? choices[0])?.value as Value;
  }

  async confirm(message: string): Promise<boolean> {
    return this.#next(message) === "yes";
  }

  async text(message: string): Promise<string> {
    return this.#next(message);
  }

  async secret(message: string, check?: (answer: string) => Promise<string | null>): Promise<string> {
    for (;;) {
      const answer = this.#next(message);
      const reason = (await check?.(answer)) ?? null;
      if (reason === null) return answer;
      this.reasons.push(reason);
    }
  }

  #next(message: string): string {
    this.asked.push(message);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error(`nobody expected the question "${message}"`);
    return answer;
  }
}

function talk(ask: Ask | null, wishes: Wishes = {}): Talk {
  return { ask, tell: () => undefined, wishes };
}

async function credentialsOf(standIn: StandIn, token: string, wishes: Wishes = {}): Promise<Credentials> {
  return flyProvider({ env: { ...standIn.env, FLY_API_TOKEN: token } }).credentials(talk(null, wishes));
}

const wrong: readonly (readonly [string, Partial<Token> | null, string, RegExp])[] = [
  ["unknown", null, "unauthorized", /does not accept the token: .*fly tokens create org/],
  ["expired", { isExpired: true }, "unauthorized", /has expired/],
  ["for an app", { apps: ["shop"] }, "forbidden", /for the app shop alone .*fly tokens create org/],
  ["for nothing", { orgs: [] }, "forbidden", /for no organization/],
];

describe("a token that is", () => {
  it.each(wrong)("%s is refused at once", async (_, token, code, says) => {
    const standIn = await useStandIn();
    const text = token === null ? "fm2_unknown_token" : standIn.token(token);
    const failure: unknown = await credentialsOf(standIn, text).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(says) as unknown });
    expect(String(failure)).not.toContain(text);
    expect(standIn.requests).toEqual(["GET /tokens/current"]);
  });

  it("read-only is refused at the first write, and nothing is left", async () => {
    const standIn = await useStandIn();
    const token = standIn.token({ isReadOnly: true });
    const provider = flyProvider({ env: standIn.env });
    const deployed = provider.deploy({ token, org: "acme" }, talk(null, { yes: true }));
    await expect(deployed).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringMatching(/read-only.*fly tokens create org/) as unknown,
    });
    expect(standIn.leftovers).toEqual([]);
  });

  it("no token at all is told with the variable, and nothing is asked of Fly", async () => {
    const standIn = await useStandIn();
    await expect(credentialsOf(standIn, '"<paste here>"')).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/^FLY_API_TOKEN holds no Fly token/) as unknown,
    });
    await expect(flyProvider({ env: standIn.env }).credentials(talk(null))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/set FLY_API_TOKEN.*on a terminal/) as unknown,
    });
    expect(standIn.requests).toEqual([]);
  });
});

describe("a person is asked", () => {
  it("for the token, again where it is wrong, with the reason", async () => {
    const standIn = await useStandIn();
    const good = standIn.token();
    const person = new Person("<x>", "fm2_bad", standIn.token({ apps: ["shop"] }), `  "FlyV1 ${good}"\n`);
    const credentials = await flyProvider({ env: standIn.env }).credentials(talk(person));
    expect(credentials).toEqual({ token: good, org: "acme" });
    expect(person.reasons).toEqual([
      expect.stringMatching(/no token of Fly/),
      expect.stringMatching(/does not accept/),
      expect.stringMatching(/for the app shop alone/),
    ]);
  });

  it("for the organization, where there are several", async () => {
    const standIn = await useStandIn();
    standIn.addOrg("umbrella");
    const token = standIn.token({ orgs: ["umbrella", "acme"] });
    const person = new Person("umbrella");
    const provider = flyProvider({ env: { ...standIn.env, FLY_ACCESS_TOKEN: token } });
    expect(await provider.credentials(talk(person))).toEqual({ token, org: "umbrella" });
    expect(person.asked).toHaveLength(1);
    await expect(provider.credentials(talk(null))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/--org, one of acme, umbrella/) as unknown,
    });
    expect(await provider.credentials(talk(null, { org: "acme" }))).toEqual({ token, org: "acme" });
    await expect(provider.credentials(talk(null, { org: "other" }))).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringMatching(/not for the organization other, but for acme, umbrella/) as unknown,
    });
  });

  it("whether it may cost, before it does, unless that is said", async () => {
    const standIn = await useStandIn();
    const credentials = { token: standIn.token(), org: "acme" };
    const provider = flyProvider({ env: standIn.env });
    const person = new Person("no");
    await expect(provider.deploy(credentials, talk(person))).rejects.toMatchObject({
      message: expect.stringMatching(/not accepted, so nothing was set up/) as unknown,
    });
    expect(person.asked).toEqual([
      expect.stringMatching(/about \$2 a month .* \$0\.15 a month for its disk/),
    ]);
    await expect(provider.deploy(credentials, talk(null))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/\$2 a month.*--yes/) as unknown,
    });
    expect(standIn.leftovers).toEqual([]);
    await provider.deploy(credentials, talk(new Person("yes")));
    expect(standIn.running).toHaveLength(1);
    // What is there costs nothing more.
    await provider.deploy(credentials, talk(null));
  });
});

it("personal is the name for the only organization, whose real one Fly says", async () => {
  const standIn = await useStandIn();
  standIn.addOrg("jane-doe", true);
  const token = standIn.token({ orgs: ["jane-doe"] });
  expect(await credentialsOf(standIn, token, { org: "personal" })).toEqual({ token, org: "jane-doe" });
});

it("what is in the environment finds the satellite in whichever organization it is", async () => {
  const standIn = await useStandIn();
  standIn.addOrg("umbrella");
  const token = standIn.token({ orgs: ["acme", "umbrella"] });
  const provider = flyProvider({ env: standIn.env });
  const credentials = provider.inEnvironment({ FLY_API_TOKEN: `FlyV1 ${token}\n` });
  if (credentials === null) throw new Error("the environment holds a token");
  expect(await provider.find(credentials)).toBeNull();
  const place = await provider.deploy({ token, org: "umbrella" }, talk(null, { yes: true }));
  expect(await provider.find(credentials)).toEqual(place);
  expect(await provider.destroy(credentials, talk(null))).toBe(true);
  expect(standIn.leftovers).toEqual([]);
});

it("the address of the API is its own business: a bad one is told, and no token goes where others read it", async () => {
  const standIn = await useStandIn();
  const token = standIn.token();
  for (const host of ["http://api.example.com", "ftp://x", "http://"]) {
    const provider = flyProvider({ env: { ...standIn.env, FLY_API_HOSTNAME: host } });
    await expect(provider.find({ token, org: "acme" })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/FLY_API_HOSTNAME/) as unknown,
    });
  }
});
