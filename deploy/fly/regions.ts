/** Where at Fly: the region that was wished for, or the nearest one and then its neighbours. */
import { WireError } from "../../satellite/wire/errors.ts";
import type { FlyApi } from "./api.ts";
import { explained } from "./explain.ts";
import { listOf, type Region } from "./shapes.ts";

/** A region that has no room is followed by so many others. */
const REGIONS_MAX = 6;
const EARTH_KM = 6371;

/** In the order in which they are tried. One that was wished for is the only one. Throws WireError `usage`. */
export async function regionsToTry(api: FlyApi, wished: string | undefined): Promise<readonly string[]> {
  const answer = await api.get("/platform/regions").catch((error: unknown) => {
    throw explained(error, { doing: "list Fly's regions", host: api.host });
  });
  const { nearest, regions } = read(answer);
  if (wished !== undefined) {
    if (regions.some(({ code }) => code === wished)) return [wished];
    throw new WireError(
      "usage",
      `Fly has no region '${wished}': for example --region ${nearest || "fra"}, one of ${regions.map(({ code }) => code).join(", ")}`,
    );
  }
  const open = regions.filter((region) => region.requires_paid_plan !== true && region.deprecated !== true);
  const here = regions.find(({ code }) => code === nearest) ?? open[0];
  if (here === undefined)
    throw new WireError("internal", "Fly names no region: try again, or say one with --region");
  const byDistance = open
    .toSorted((a, b) => distanceKm(here, a) - distanceKm(here, b))
    .map(({ code }) => code);
  return byDistance.slice(0, REGIONS_MAX);
}

/** The keys begin with a capital or not, as the API likes. */
function read(answer: unknown): { nearest: string; regions: Region[] } {
  const entries = typeof answer === "object" && answer !== null ? Object.entries(answer) : [];
  const lower = Object.fromEntries(entries.map(([key, value]) => [key.toLowerCase(), value as unknown]));
  const regions = listOf<Region>(lower["regions"]).filter(({ code }) => /^[a-z]{3}$/.test(code));
  return { nearest: typeof lower["nearest"] === "string" ? lower["nearest"] : "", regions };
}

/** Along the ground; far away where it is not known. */
function distanceKm(a: Region, b: Region): number {
  if (a.code === b.code) return 0;
  const [latA, lonA, latB, lonB] = [a.latitude, a.longitude, b.latitude, b.longitude].map(
    (degrees) => ((degrees ?? Number.NaN) * Math.PI) / 180,
  ) as [number, number, number, number];
  const cosine = Math.sin(latA) * Math.sin(latB) + Math.cos(latA) * Math.cos(latB) * Math.cos(lonA - lonB);
  const km = EARTH_KM * Math.acos(Math.min(1, cosine));
  return Number.isNaN(km) ? EARTH_KM * 4 : km;
}
