/** The provider for Fly, against the stand-in: what every provider keeps to. */
import { vi } from "vitest";
import { flyProvider } from "../../deploy/fly/fly.ts";
import { providerSuite } from "./provider-suite.ts";
import { useStandIn } from "./stand-in/use-stand-in.ts";

vi.setConfig({ testTimeout: 90_000 });

providerSuite(
  async () => {
    const standIn = await useStandIn();
    const token = standIn.token();
    return {
      provider: () => flyProvider({ env: standIn.env }),
      credentials: { token, org: "acme" },
      running: () => standIn.running,
      leftovers: () => standIn.leftovers,
    };
  },
  { keepsBacklog: true, knowsBundle: true, keepsKeys: true },
);
