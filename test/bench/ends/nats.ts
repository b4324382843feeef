/** `send` publishes each line of stdin as a message of NATS, `recv` puts out what comes, until the sender's last. */
import { writeFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

/** What is used of @nats-io/transport-node, which is no dependency of this project. */
interface Connection {
  publish: (subject: string, payload?: Uint8Array) => void;
  flush: () => Promise<void>;
  subscribe: (
    subject: string,
    options: { callback: (error: Error | null, message: { data: Uint8Array }) => void },
  ) => unknown;
  close: () => Promise<void>;
}

const subject = "bench";
const newline = 10;
/** So much may wait in the client, which has no back-pressure of its own. */
const unflushedBytesMax = 1_048_576;

const [role, library = "", port, subscribed = ""] = process.argv.slice(2);
const nats = createRequire(__filename)(library) as { connect: (options: object) => Promise<Connection> };

async function send(connection: Connection): Promise<void> {
  let rest: Uint8Array = Buffer.alloc(0);
  let unflushed = 0;
  for await (const block of process.stdin as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    let from = 0;
    for (let to = bytes.indexOf(newline); to >= 0; to = bytes.indexOf(newline, from)) {
      connection.publish(subject, bytes.subarray(from, to + 1));
      from = to + 1;
    }
    rest = bytes.subarray(from);
    unflushed += from;
    if (unflushed < unflushedBytesMax) continue;
    await connection.flush();
    unflushed = 0;
  }
  connection.publish(subject);
  await connection.flush();
  await connection.close();
}

/** Puts out together what came together. */
async function recv(connection: Connection): Promise<void> {
  const waiting: Uint8Array[] = [];
  const putOut = (): void => {
    const bytes = Buffer.concat(waiting.splice(0));
    for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
  };
  await new Promise<void>((resolve, reject) => {
    connection.subscribe(subject, {
      callback: (error, { data }) => {
        if (error !== null) return reject(error);
        if (data.length === 0) return resolve();
        if (waiting.push(data) === 1) setImmediate(putOut);
      },
    });
    connection.flush().then(() => writeFileSync(subscribed, ""), reject);
  });
  putOut();
  await connection.close();
}

async function main(): Promise<void> {
  const connection = await nats.connect({ servers: `127.0.0.1:${port}` });
  await (role === "send" ? send(connection) : recv(connection));
}

void main();
