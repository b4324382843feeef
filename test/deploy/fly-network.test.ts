/** Fly at its own addresses, from a company's network: a proxy is the only way out, and an authority of its own signs. */
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { expect, it, onTestFinished, vi } from "vitest";
import { appNames } from "../../deploy/fly/names.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import { useProxy } from "../support/connect-proxy.ts";
import { useBed } from "../support/use-bed.ts";
import { useStandIn } from "./stand-in/use-stand-in.ts";

vi.setConfig({ testTimeout: 90_000 });

/** TLS in front of a port of this computer; its own port. */
async function useTls(certificate: Certificate, to: number): Promise<number> {
  const server = tls.createServer(certificate, (near) => {
    const far = net.connect(to, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

it("sets up through the proxy, talks through it, and destroys through it", async () => {
  const standIn = await useStandIn();
  const bed = useBed();
  const authority = new Authority(bed.dir);
  const [app = ""] = appNames("acme");
  const api = await useTls(authority.issue("api.machines.dev"), standIn.apiPort);
  const edge = await useTls(authority.issue(`${app}.fly.dev`), standIn.edgePort);
  const hosts = { "api.machines.dev:443": api, [`${app}.fly.dev:443`]: edge };
  const proxy = await useProxy({ hosts, asksFor: "me:word" });
  Object.assign(bed.env, {
    FLY_API_TOKEN: standIn.token(),
    HTTPS_PROXY: `http://me:word@127.0.0.1:${proxy.port}`,
    NODE_EXTRA_CA_CERTS: authority.file,
  });

  await bed.skypipe(["setup", "fly", "--yes"]).exits(0);
  await bed.shell("echo hello | skypipe x").exits(0);
  expect((await bed.skypipe(["x"]).exits(0)).out).toBe("hello\n");
  const { out } = await bed.skypipe(["check", "--json"]).exits(0);
  expect(JSON.parse(out)).toMatchObject({ url: `https://${app}.fly.dev`, running: true });

  const stranger = { NODE_EXTRA_CA_CERTS: undefined };
  const { err } = await bed.skypipe(["setup", "fly", "--yes"], { env: stranger }).exits(3);
  expect(err).toMatch(/certificate of api\.machines\.dev:443 .*NODE_EXTRA_CA_CERTS/);
  const refused = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
  expect((await bed.skypipe(["setup", "fly", "--yes"], { env: refused }).exits(3)).err).toMatch(/proxy/);

  await bed.skypipe(["reset", "--yes"]).exits(0);
  expect(standIn.leftovers).toEqual([]);
  expect(new Set(proxy.asked)).toEqual(new Set(Object.keys(hosts)));
});
