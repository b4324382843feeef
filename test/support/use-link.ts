/** A rough link that is closed when the test ends. */
import { onTestFinished } from "vitest";
import { RoughLink } from "./rough-link.ts";

export async function useLink(targetPort: number): Promise<RoughLink> {
  const link = await RoughLink.to(targetPort);
  onTestFinished(async () => link.close());
  return link;
}
