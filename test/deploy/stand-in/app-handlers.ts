/** Apps and their addresses. */
import { type Handler, ok, textOf } from "./call.ts";
import { Refusal } from "./refusal.ts";
import { type AppState, randomId } from "./state.ts";
import { appFor, mayWrite, orgFor } from "./who.ts";

const NAME = /^[a-z0-9-]{1,62}$/;

export const createApp: Handler = ({ body, token, state }) => {
  mayWrite(token);
  const name = textOf(body["name"]);
  if (token.apps !== undefined) throw new Refusal(403, "unauthorized");
  const org = orgFor(state, token, textOf(body["org_slug"]));
  if (!NAME.test(name)) {
    throw new Refusal(
      422,
      "Validation failed: Name under 63 chars using numbers, lowercase letters and dashes",
    );
  }
  if (state.apps.has(name) || state.foreignApps.has(name)) {
    throw new Refusal(422, { error: "Validation failed: Name has already been taken", status: "name_taken" });
  }
  const app: AppState = {
    id: randomId(),
    name,
    org,
    ips: [],
    volumes: new Map(),
    machines: new Map(),
    unknownFor: 0,
  };
  state.apps.set(name, app);
  return ok({ id: app.id, created_at: Date.now() }, 201);
};

export const getApp: Handler = ({ token, state }, name = "") => ok(shown(appFor(state, token, name)));

export const listApps: Handler = ({ token, state, query }) => {
  const org = orgFor(state, token, query.get("org_slug") ?? "");
  const apps = [...state.apps.values()].filter(
    (app) => app.org === org && (token.apps?.includes(app.name) ?? true),
  );
  return ok({ total_apps: apps.length, apps: apps.map(shown) });
};

export const deleteApp: Handler = async ({ token, state, machines }, name = "") => {
  mayWrite(token);
  const app = appFor(state, token, name);
  await Promise.all([...app.machines.values()].map(async (machine) => machines.stop(machine)));
  state.apps.delete(name);
  return ok(null, 202);
};

export const listAddresses: Handler = ({ token, state }, name = "") => {
  const ips = appFor(state, token, name).ips;
  return ok({ ips: ips.map((ip) => ({ ...ip, egress: false, network: null })) });
};

export const assignAddress: Handler = ({ token, state, body }, name = "") => {
  mayWrite(token);
  const app = appFor(state, token, name);
  const isShared = body["type"] === "shared_v4";
  if (!isShared && body["type"] !== "v6") throw new Refusal(422, "only v6 and shared_v4 are free of charge");
  if (app.ips.some(({ shared }) => shared === isShared))
    throw new Refusal(422, "an address of that type is assigned");
  const ip = isShared ? "66.241.124.1" : `2a09:8280:1::${app.ips.length + 1}`;
  app.ips.push({ ip, shared: isShared });
  return ok({ ip, shared: isShared, egress: false, network: null });
};

function shown(app: AppState): unknown {
  return {
    id: app.id,
    name: app.name,
    machine_count: app.machines.size,
    volume_count: app.volumes.size,
    network: "default",
    status: app.machines.size > 0 ? "deployed" : "pending",
    organization: { name: app.org, slug: app.org },
  };
}
