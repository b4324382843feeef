/** The satellite on any host that the user can log in to. */
import { connect } from "../../cli/client/connect.ts";
import { ownBundle } from "../bundle.ts";
import type { Credentials, Place, Provider, Talk } from "../provider.ts";
import { nicknameOf } from "./destination.ts";
import type { HostReport } from "./messages.ts";
import { Site } from "./site.ts";
import {
  agreeToInstall,
  askHost,
  checkListen,
  checkRoom,
  listenWished,
  shallStartAtBoot,
  tellWhatLasts,
} from "./talk.ts";

/** After so long the way is looked at again: it may have ended just when it was needed. */
const ATTEMPT_MS = 4_000;

export function sshProvider(env: NodeJS.ProcessEnv = process.env): Provider {
  const siteOf = (credentials: Credentials): Site => new Site(credentials, env);
  return {
    name: "ssh",
    title: "a host that you can log in to by ssh, kept on its disk; asks before it installs anything",
    nickname: ({ host = "" }) => nicknameOf(host),
    inEnvironment: () => null,
    credentials: askHost,
    async find(credentials) {
      const site = siteOf(credentials);
      const report = await site.look();
      return report.installed === null ? null : site.placeOf(report);
    },
    deploy: async (credentials, talk) => deploy(siteOf(credentials), talk),
    async upgrade(credentials, talk) {
      const site = siteOf(credentials);
      const { installed, startsAtBoot } = await site.look();
      if (installed === null) throw site.notThere("not-found");
      return opened(site, await site.install(installed.listen, startsAtBoot), talk);
    },
    destroy: async (credentials) => siteOf(credentials).destroy(),
    async status(credentials) {
      const site = siteOf(credentials);
      return site.statusOf(await site.look());
    },
    keepKeys: async (credentials, keys, before) => siteOf(credentials).keep(keys, before),
    async reach(credentials, known) {
      const site = siteOf(credentials);
      const place = known ?? (await placeThere(site));
      const { via } = place;
      const seek = async (): Promise<Place> => placeThere(site);
      if (via === undefined) return { ...place, seek };
      await site.open(via);
      return {
        ...place,
        seek,
        attemptMs: ATTEMPT_MS,
        mend: async () => site.open(via, false),
        explain: async (error) => site.explain(error),
      };
    },
  };
}

async function placeThere(site: Site): Promise<Place> {
  const report = await site.look();
  if (report.installed === null) throw site.notThere("unreachable");
  return site.placeOf(report);
}

async function deploy(site: Site, talk: Talk): Promise<Place> {
  const { tell, wishes } = talk;
  const wished = listenWished(wishes);
  tell("look", `looking at ${site.destination} …`);
  const report = await site.look();
  const { installed, isRunning } = report;
  const listen = wished ?? report.listen;
  const isAsWished = JSON.stringify(report.listen) === JSON.stringify(listen);
  if (installed !== null && isRunning && isAsWished) {
    const isOwn = installed.sha256 === ownBundle().sha256;
    const more = isOwn ? "" : ": skypipe upgrade puts this command's there";
    tell("found", `there is one on ${site.destination}, of version ${installed.version}${more}`);
    return opened(site, report, talk);
  }
  checkRoom(site.destination, report);
  if (installed === null) await agreeToInstall(talk, site.destination, report);
  const usesCrontab = await shallStartAtBoot(talk, site.destination, report);
  tell("install", `installing it on ${site.destination}, in ${report.folder} …`);
  const after = await site.install(listen, usesCrontab);
  tellWhatLasts(talk, site.destination, after);
  return opened(site, after, talk);
}

/** A way may be open that leads nowhere, as ssh finds out when it is used. */
async function openAndTry(site: Site, { url }: Place, via: string): Promise<void> {
  await site.open(via);
  try {
    const satellite = await connect({ url, token: "", connectTimeoutMs: ATTEMPT_MS });
    await satellite.close();
  } catch (error) {
    throw await site.explain(error as Error);
  }
}

/** The way to it is open, or whoever has to open it is told. */
async function opened(site: Site, report: HostReport, { tell }: Talk): Promise<Place> {
  const place = site.placeOf(report);
  if (place.via !== undefined) await openAndTry(site, place, place.via);
  else if (report.listen !== null) await checkListen(place, report.listen, tell);
  return place;
}
