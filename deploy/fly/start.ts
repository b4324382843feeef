/** Waits until a machine runs and the satellite in it answers. */
import { type Dispatcher, request } from "undici";
import { WireError } from "../../satellite/wire/errors.ts";
import { billing } from "./explain.ts";
import { isFailure } from "./failure.ts";
import type { Found } from "./find.ts";
import { urlOf } from "./names.ts";
import { networkAgent } from "./network.ts";
import type { Machine, MachineEvent } from "./shapes.ts";
import { onceKnown, type Site, trying } from "./site.ts";

const START_MS = 4 * 60_000;
/** What the API allows: 1 to 60. */
const WAIT_S = 60;
const HEALTH_MS = 2 * 60_000;
const HEALTH_POLL_MS = 500;
const HEALTH_ANSWER_MS = 10_000;
const RESTING = ["stopped", "suspended"];
const HOPELESS = ["failed", "destroyed", "destroying", "replaced"];

/**
 * Resolves when it runs, or rests: then the first connection starts it. The proxy may not know of it yet. Throws
 * WireError `unreachable`.
 */
export async function awaitStarted(site: Site, { app, machine }: Found): Promise<void> {
  if (machine.state === "started" || RESTING.includes(machine.state ?? "")) return;
  const path = `/apps/${app}/machines/${machine.id}`;
  const deadlineMs = site.api.clock.nowMs() + START_MS;
  let nudged = false;
  for (let told = ""; ; ) {
    if (await hasStarted(site, path, machine)) return;
    const now = (await trying(site, "look at the machine", () =>
      onceKnown(site, () => site.api.get(path)),
    )) as Machine;
    const state = now.state ?? "";
    if (state === "started" || RESTING.includes(state)) return;
    if (HOPELESS.includes(state) || site.api.clock.nowMs() >= deadlineMs) throw doesNotStart(site, now);
    if (state === "created" && !nudged) {
      nudged = true;
      await nudge(site, path);
    }
    const news = `the machine is ${[state, latest(now)].filter((word) => word !== "").join(", ")}, waiting …`;
    if (news !== told) site.tell("start", news);
    told = news;
  }
}

async function hasStarted(site: Site, path: string, machine: Machine): Promise<boolean> {
  const instance = machine.instance_id;
  const query = {
    state: "started",
    timeout: String(WAIT_S),
    ...(instance === undefined ? {} : { instance_id: instance }),
  };
  try {
    await onceKnown(site, () => site.api.get(`${path}/wait`, query));
    return true;
  } catch (error) {
    if (!isFailure(error, 400, 404, 408, 409, 412))
      return trying(site, "wait for the machine", () => Promise.reject(error));
    if (error.status !== 408) await site.api.clock.sleep(HEALTH_POLL_MS * 4);
    return false;
  }
}

/** One that was made and never launched starts when it is told to; one that is just being prepared says so. */
async function nudge({ api }: Site, path: string): Promise<void> {
  try {
    await api.post(`${path}/start`, {});
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
}

function latest({ events }: Machine): string {
  const [event] = (events ?? []).toSorted((a, b) => (b.timestamp ?? 0) - (a.timestamp ?? 0));
  return event === undefined ? "" : `last event ${event.type ?? "?"}`;
}

function doesNotStart({ api, org }: Site, machine: Machine): WireError {
  const events = machine.events ?? [];
  if (machine.host_status !== undefined && machine.host_status !== "ok") {
    return new WireError(
      "unreachable",
      `the host of the satellite's machine ${machine.id} at Fly can't be reached: wait until Fly has mended it ` +
        "(https://status.flyio.net), or give up what waits in the pipes with skypipe reset",
    );
  }
  if (events.some(isOfTrial)) {
    return new WireError(
      "forbidden",
      `Fly stops machines of a trial after 5 minutes, and so this one: add a payment method at ${billing(org)}`,
    );
  }
  const event = latest(machine);
  const told = api.redactor.clean(`${machine.state ?? "unknown"}${event === "" ? "" : `, ${event}`}`);
  return new WireError(
    "unreachable",
    `the satellite's machine ${machine.id} does not start (${told}): run skypipe setup fly again to wait on, or skypipe ` +
      "reset to remove it",
  );
}

function isOfTrial(event: MachineEvent): boolean {
  return /\btrial\b/i.test(JSON.stringify(event));
}

/** Resolves when the satellite answers where clients go. Throws WireError `unreachable`. */
export async function awaitHealthy(site: Site, app: string): Promise<void> {
  const { clock } = site.api;
  const url = urlOf(app, site.env);
  const deadlineMs = clock.nowMs() + HEALTH_MS;
  const dispatcher = networkAgent(site.env, HEALTH_ANSWER_MS);
  try {
    for (let isTold = false; ; ) {
      const why = await illness(url, dispatcher);
      if (why === null) return;
      if (clock.nowMs() >= deadlineMs) throw doesNotAnswer(url, site.api.redactor.clean(why));
      if (!isTold) site.tell("health", `waiting for ${new URL(url).host} to answer …`);
      isTold = true;
      await clock.sleep(HEALTH_POLL_MS);
    }
  } finally {
    await dispatcher.destroy();
  }
}

function doesNotAnswer(url: string, why: string): WireError {
  return new WireError(
    "unreachable",
    `the satellite's machine runs, but ${new URL(url).host} does not answer (${why}): wait a minute and run skypipe ` +
      "setup fly again; if it stays so, see fly logs, or start anew with skypipe reset",
  );
}

/** `null`: it is well. */
async function illness(url: string, dispatcher: Dispatcher): Promise<string | null> {
  try {
    const answer = await request(`${url}/healthz`, {
      dispatcher,
      headersTimeout: HEALTH_ANSWER_MS,
      bodyTimeout: HEALTH_ANSWER_MS,
    });
    const text = await answer.body.text();
    if (answer.statusCode === 200 && text.trim() === "ok") return null;
    return `HTTP ${answer.statusCode}`;
  } catch (error) {
    if (error instanceof WireError) throw error; // a certificate or a proxy: waiting does not mend it
    const cause = error instanceof AggregateError ? error.errors[0] : error;
    return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  }
}
