import { openOutput } from "../../terminal/output.ts";

/** Writes to stdout what a verb has to say, and waits until it is written. */
export async function print(text: string): Promise<void> {
  await openOutput(1).write(Buffer.from(text));
}
