/** How Fly is reached: through the proxy that the environment names, over IPv6 and IPv4 side by side. */
import { EnvHttpProxyAgent } from "undici";
import { lookupLoopback } from "../../cli/client/loopback.ts";

/** To be closed by whoever has it. */
export function networkAgent(connectMs: number): EnvHttpProxyAgent {
  return new EnvHttpProxyAgent({
    connect: { timeout: connectMs, autoSelectFamily: true, lookup: lookupLoopback },
  });
}
