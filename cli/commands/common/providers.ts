/** The places where a satellite can live. */
import type { Provider } from "../../../deploy/provider.ts";
import { WireError } from "../../../satellite/wire/errors.ts";

const loaders: Readonly<Record<string, () => Promise<Provider>>> = {
  local: async () => (await import("../../../deploy/local/local.ts")).localProvider(ownCommand()),
  ssh: async () => (await import("../../../deploy/ssh/ssh.ts")).sshProvider(),
  fly: async () => (await import("../../../deploy/fly/fly.ts")).flyProvider(),
};

/** Their names, as `setup` takes them. */
export const providerNames: readonly string[] = Object.keys(loaders);

/** Loads the code of one provider. */
export async function loadProvider(name: string): Promise<Provider> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load !== undefined) return load();
  throw new WireError(
    "usage",
    `'${name}' is not a place for a satellite: choose ${providerNames.join(", ")}, for example skypipe setup local`,
  );
}

/** What runs this very program, without a verb. A debugger's port can't be shared with another process. */
function ownCommand(): string[] {
  const options = process.execArgv.filter((option) => !option.startsWith("--inspect"));
  return [process.execPath, ...options, process.argv[1] ?? ""];
}
