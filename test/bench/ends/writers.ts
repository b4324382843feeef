/**
 * `URL STREAMS BYTES [LINES_PER_S]`: so many writers in one process, each with a session and a pipe of its own, as if they were
 * processes. They write `BYTES` each as fast as they can; or, where lines per second are given, lines until they are ended.
 */
import { once } from "node:events";
import { connect, type PipeWriter } from "../../../cli/client/index.ts";

const chunk = Buffer.alloc(65_536);
const line = `${"x".repeat(99)}\n`;
const [url = "", streamsText, bytesText, linesText] = process.argv.slice(2);
const streams = Number(streamsText);
const bytes = Number(bytesText);

async function flood(writer: PipeWriter): Promise<void> {
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!writer.write(chunk.subarray(0, left))) await once(writer, "drain");
  }
  writer.end();
  await once(writer, "finish");
}

async function open(index: number): Promise<PipeWriter> {
  const satellite = await connect({ url });
  const kind = linesText === undefined ? "binary" : "text";
  const writer = satellite.writer(streams === 1 ? "bench" : `bench-${index}`, { kind });
  writer.once("finish", () => void satellite.close());
  return writer;
}

async function main(): Promise<void> {
  const writers: PipeWriter[] = [];
  for (let index = 0; index < streams; index++) writers.push(await open(index));
  if (linesText === undefined) {
    await Promise.all(writers.map(flood));
    return;
  }
  // Spread over the time, not all at once.
  let next = 0;
  setInterval(() => {
    for (let count = (streams * Number(linesText)) / 100; count > 0; count--)
      writers[next++ % streams]?.write(line);
  }, 10);
  process.stderr.write("ready\n");
}

void main();
