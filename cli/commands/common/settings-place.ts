/** Where the files of settings are. */
import path from "node:path";
import envPaths from "env-paths";

/** The file of this name, in SKYPIPE_CONFIG_DIR or the platform's place: where `conf` has it. */
export function settingsPlace(name: string): string {
  const chosen = process.env.SKYPIPE_CONFIG_DIR ?? "";
  const folder = chosen === "" ? envPaths("skypipe", { suffix: "" }).config : path.resolve(chosen);
  return path.join(folder, `${name}.json`);
}
