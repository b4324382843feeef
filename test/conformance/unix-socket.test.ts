import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { startSatellite } from "../../satellite/satellite.ts";
import { connectionSuite } from "./connection.ts";
import type { Start } from "./harness.ts";
import { requestsSuite } from "./requests.ts";

const folder = mkdtempSync(path.join(tmpdir(), "skypipe-suite-"));
let sockets = 0;

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const start: Start = async (limits, token) => {
  sockets += 1;
  const socketPath = path.join(folder, `${sockets}.sock`);
  const running = await startSatellite({ socketPath, limits, ...(token !== undefined && { token }) });
  return { url: running.url, stop: () => running.stop(), ...(token !== undefined && { token }) };
};

connectionSuite(start);
requestsSuite(start);
