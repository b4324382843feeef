/** What setup ssh asks and tells. */
import { connect } from "../../cli/client/connect.ts";
import { WireError } from "../../satellite/wire/errors.ts";
import type { Credentials, Place, Talk, Tell, Wishes } from "../provider.ts";
import { destinationOf } from "./destination.ts";
import type { HostReport, Listen } from "./messages.ts";

/** Where a reverse proxy finds the satellite, if nobody says. */
const PORT = 7777;
/** The bundle, a journal and room for a first backlog. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;
const ANSWER_MS = 3_000;

export async function askHost({ ask, wishes }: Talk): Promise<Credentials> {
  if (wishes.host !== undefined) return { host: destinationOf(wishes.host) };
  if (ask === null) {
    throw new WireError("usage", "say on which host, for example skypipe setup ssh me@example.com");
  }
  return { host: destinationOf(await ask.text("Which host, as you log in to it (me@example.com)?", whyNot)) };
}

async function whyNot(host: string): Promise<string | null> {
  try {
    destinationOf(host);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Throws WireError `usage`. */
export function listenWished({ url, port }: Wishes): Listen | null {
  if (url === undefined && port !== undefined) {
    throw new WireError(
      "usage",
      "--port is where a reverse proxy finds the satellite: say --url too, which is where that has it, for example " +
        "https://pipes.example.com",
    );
  }
  if (url === undefined) return null;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol !== "https:" || parsed.username !== "" || parsed.password !== "") {
    throw new WireError(
      "usage",
      "--url is where a reverse proxy has it, for example https://pipes.example.com",
    );
  }
  return { url: parsed.href.replace(/\/$/, ""), port: port ?? PORT };
}

export function checkRoom(destination: string, { freeBytes, folder }: HostReport): void {
  if (freeBytes >= FREE_BYTES_MIN) return;
  throw new WireError(
    "usage",
    `there are only ${Math.floor(freeBytes / 2 ** 20)} MiB free on ${destination} for ${folder}, and it needs ` +
      `${FREE_BYTES_MIN / 2 ** 20}: make room there`,
  );
}

/** Nothing is installed unasked. Throws WireError `usage`. */
export async function agreeToInstall(talk: Talk, destination: string, report: HostReport): Promise<void> {
  const { folder, keeper, user, os, arch, node } = report;
  const kept = keeper === "systemd" ? "as a service of your user's systemd" : "with a small supervisor";
  const what = `install the satellite for ${user} in ${folder} on ${destination} (${os} ${arch}, Node ${node}), ${kept}`;
  if (talk.ask === null && talk.wishes.yes !== true) {
    throw new WireError("usage", `setup would ${what}: say --yes to agree`);
  }
  if (talk.ask !== null && !(await talk.ask.confirm(`Shall skypipe ${what}?`, true))) {
    throw new WireError("usage", `nothing was installed on ${destination}`);
  }
}

/** Without systemd only a line in the crontab outlives a reboot. */
export async function shallStartAtBoot(
  talk: Talk,
  destination: string,
  report: HostReport,
): Promise<boolean> {
  if (report.keeper === "systemd" || !report.hasCrontab) return false;
  if (report.startsAtBoot || talk.ask === null) return true;
  return talk.ask.confirm(
    `${destination} has no systemd for users: start it at each boot by your crontab?`,
    true,
  );
}

export function tellWhatLasts({ tell }: Talk, destination: string, report: HostReport): void {
  const { keeper, lingers, startsAtBoot, user } = report;
  if (keeper === "systemd" && !lingers) {
    tell(
      "linger",
      `on ${destination} it runs while ${user} is logged in, as skypipe is when it is used, and keeps what waits; for ` +
        `one that always runs: sudo loginctl enable-linger ${user}`,
    );
  } else if (keeper === "supervisor" && !startsAtBoot) {
    tell("reboot", `after a reboot of ${destination}, start it with skypipe setup ssh ${destination}`);
  }
}

/** The satellite runs; what leads to it is the user's. */
export async function checkListen(place: Place, { url, port }: Listen, tell: Tell): Promise<void> {
  try {
    const satellite = await connect({ url, token: place.token ?? "", connectTimeoutMs: ANSWER_MS });
    await satellite.close();
  } catch (error) {
    const why = (error as Error).message;
    tell("url", `it runs on the host at 127.0.0.1:${port}; let your reverse proxy lead ${url} there: ${why}`);
  }
}
