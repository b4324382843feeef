import { startSatellite } from "../../satellite/satellite.ts";
import { satelliteSuite } from "./suite.ts";

satelliteSuite(async (limits, token) => {
  const running = await startSatellite({ limits, ...(token !== undefined && { token }) });
  return { url: running.url, stop: () => running.stop(), ...(token !== undefined && { token }) };
});
