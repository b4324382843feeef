/** A TLS port in front of another one, as a reverse proxy is. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { onTestFinished } from "vitest";
import type { Certificate } from "./certificates.ts";

/** Its own port. */
export async function useTls(certificate: Certificate, port: number): Promise<number> {
  const server = tls.createServer(certificate, (near) => {
    const far = net.connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
