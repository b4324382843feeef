/** Chooses where the satellite shall live, brings it there and remembers it. */
import { choose } from "../../terminal/prompt.ts";
import { loadProvider, providerNames } from "./providers.ts";
import { remember } from "./remembered.ts";

/** The provider's name. */
export async function chooseAndDeploy(): Promise<string> {
  const providers = await Promise.all(providerNames.map(loadProvider));
  const name = await choose(
    "skypipe needs a satellite to carry your bytes. Where should it live?",
    providers.map((provider) => ({ name: `${provider.name}: ${provider.title}`, value: provider.name })),
  );
  await deployAndRemember(name);
  return name;
}

export async function deployAndRemember(name: string): Promise<void> {
  const provider = await loadProvider(name);
  await provider.deploy();
  remember({ provider: name });
}
