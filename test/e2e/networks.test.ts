/** Through other people's networks: proxies, private authorities. */
import { describe, expect, it } from "vitest";
import { useSatellite } from "../client/library.ts";
import type { Bed } from "../support/bed.ts";
import { MiB, noiseFile } from "../support/bytes.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import { useProxy } from "../support/connect-proxy.ts";
import { useTls } from "../support/tls-front.ts";
import { useBed } from "../support/use-bed.ts";

const NAME = "sat.test";

/** The port of a satellite that answers to the name. */
async function useNamedSatellite(token?: string): Promise<number> {
  const url = await useSatellite({ answersTo: [NAME], ...(token !== undefined && { token }) });
  return Number(new URL(url).port);
}

interface Network {
  bed: Bed;
  authority: Authority;
  /** The port of the satellite's TLS front. */
  front: number;
}

/** A bed whose commands use `https://sat.test`, which nothing but a proxy finds. */
async function useNetwork(issue = (authority: Authority) => authority.issue(NAME)): Promise<Network> {
  const bed = useBed();
  const authority = new Authority(bed.dir);
  const front = await useTls(issue(authority), await useNamedSatellite("a token"));
  bed.env.SKYPIPE_SATELLITE = `https://${NAME}`;
  bed.env.SKYPIPE_TOKEN = "a token";
  bed.env.NODE_EXTRA_CA_CERTS = authority.file;
  return { bed, authority, front };
}

/** What a command says that can't get there; it must not try for long what can't become better. */
async function refusal(bed: Bed, exitCode = 3): Promise<string> {
  return (await bed.skypipe(["ls"]).exits(exitCode)).err;
}

describe("a proxy", () => {
  it("leads to a satellite behind TLS, byte by byte", async () => {
    const { bed, front } = await useNetwork();
    const proxy = await useProxy({ hosts: { [`${NAME}:443`]: front } });
    bed.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    noiseFile(bed.path("file"), 3 * MiB, 1);

    const reader = bed.skypipe(["recv", "x", "-o", "got"]);
    await bed.pipe("x", { readers: 1 });
    await bed.skypipe(["send", "x", "file"]).exits(0);
    await reader.exits(0);
    await bed.shell("cmp file got").exits(0);
    expect(new Set(proxy.asked)).toEqual(new Set([`${NAME}:443`]));
  });

  it("leads to a satellite without TLS, where that is allowed", async () => {
    const bed = useBed();
    const proxy = await useProxy({ hosts: { [`${NAME}:80`]: await useNamedSatellite() } });
    Object.assign(bed.env, { SKYPIPE_SATELLITE: `http://${NAME}`, http_proxy: `127.0.0.1:${proxy.port}` });
    await bed.shell("echo one | skypipe x").exits(0);
    expect((await bed.skypipe(["x"]).exits(0)).out).toBe("one\n");
  });

  it("may speak TLS itself, and ask for a name and a password", async () => {
    const { bed, authority, front } = await useNetwork();
    const rules = {
      hosts: { [`${NAME}:443`]: front },
      asksFor: "me:s@cret",
      certificate: authority.issue("localhost"),
    };
    const proxy = await useProxy(rules);
    bed.env.ALL_PROXY = `https://me:s%40cret@localhost:${proxy.port}`;
    await bed.skypipe(["ls"]).exits(0);
  });

  it("that wants a name and a password is a sentence, at once", async () => {
    const { bed, front } = await useNetwork();
    const proxy = await useProxy({ hosts: { [`${NAME}:443`]: front }, asksFor: "me:right" });
    bed.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    expect(await refusal(bed)).toMatch(
      /proxy at 127\.0\.0\.1:\d+ asks for a name and a password.*HTTPS_PROXY/,
    );
    bed.env.HTTPS_PROXY = `http://me:wrong@127.0.0.1:${proxy.port}`;
    const wrong = await refusal(bed);
    expect(wrong).toMatch(/does not accept the name and the password that are in HTTPS_PROXY/);
    expect(wrong).not.toMatch(/wrong/);
    expect(proxy.asked).toHaveLength(2);
  });

  it("that refuses is a sentence, at once", async () => {
    const { bed } = await useNetwork();
    const proxy = await useProxy({ refusesWith: 403 });
    bed.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    expect(await refusal(bed)).toMatch(
      /does not let skypipe through to sat\.test:443 \(HTTP 403\).*NO_PROXY/,
    );
    expect(proxy.asked).toHaveLength(1);
  });

  it("that does not reach the satellite is asked again, and then told", async () => {
    const { bed } = await useNetwork();
    const proxy = await useProxy({});
    bed.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    expect(await refusal(bed)).toMatch(
      /No satellite answers at sat\.test:443 \(the proxy at .* answered HTTP 502\)/,
    );
    expect(proxy.asked.length).toBeGreaterThan(2);
  });

  it("that is not there is told with the variable that names it", async () => {
    const { bed } = await useNetwork();
    bed.env.HTTPS_PROXY = "http://127.0.0.1:1";
    expect(await refusal(bed)).toMatch(
      /the proxy at 127\.0\.0\.1:1, which HTTPS_PROXY names, can't be reached/,
    );
  });

  it("that skypipe can't use is told without what is in the variable", async () => {
    const { bed } = await useNetwork();
    bed.env.ALL_PROXY = "socks5://me:precious@127.0.0.1:1080";
    const said = await refusal(bed, 2);
    expect(said).toMatch(/ALL_PROXY does not hold the address of an HTTP proxy/);
    expect(said).not.toMatch(/precious/);
  });

  it("is not asked for this computer, nor for what NO_PROXY excepts", async () => {
    const bed = useBed();
    const proxy = await useProxy({});
    Object.assign(bed.env, {
      HTTP_PROXY: `http://127.0.0.1:${proxy.port}`,
      ALL_PROXY: `http://127.0.0.1:${proxy.port}`,
    });
    await bed.satellite();
    await bed.skypipe(["ls"]).exits(0);
    bed.env.SKYPIPE_SATELLITE = "local";
    await bed.skypipe(["ls"]).exits(0);
    Object.assign(bed.env, { SKYPIPE_SATELLITE: `http://${NAME}`, NO_PROXY: ".test" });
    expect(await refusal(bed)).toMatch(/sat\.test:80 \(.*(no such host|looked up)/);
    expect(proxy.asked).toEqual([]);
  });
});

describe("a certificate", () => {
  it.each<[what: string, issue: (authority: Authority) => Certificate, sentence: RegExp]>([
    ["for another name", (authority) => authority.issue("other.test"), /is for other names \(other\.test\)/],
    ["that has expired", (authority) => authority.issue(NAME, -1), /has expired/],
  ])("%s is a sentence, at once", async (_what, issue, sentence) => {
    const { bed, front } = await useNetwork(issue);
    const proxy = await useProxy({ hosts: { [`${NAME}:443`]: front } });
    bed.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    expect(await refusal(bed)).toMatch(sentence);
    expect(proxy.asked).toHaveLength(1);
  });

  it("of an authority that nobody has named is a sentence with the remedy, which helps", async () => {
    const { bed, authority, front } = await useNetwork();
    const proxy = await useProxy({ hosts: { [`${NAME}:443`]: front } });
    Object.assign(bed.env, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: "" });
    expect(await refusal(bed)).toMatch(/signed by nobody whom this computer trusts.*NODE_EXTRA_CA_CERTS/);
    bed.env.NODE_EXTRA_CA_CERTS = authority.file;
    await bed.skypipe(["ls"]).exits(0);
  });

  it("is missed where there is no TLS", async () => {
    const bed = useBed();
    bed.env.SKYPIPE_SATELLITE = `https://127.0.0.1:${await useNamedSatellite()}`;
    expect(await refusal(bed)).toMatch(/does not speak TLS/);
  });
});
