/** HTTP to Fly by the ways that clients take to a satellite: the proxies, authorities and addresses of `dial`. */
import type net from "node:net";
import { Agent } from "undici";
import { type Dialling, dial } from "../../cli/client/dial.ts";

export const CONNECT_TIMEOUT = "CONNECT_TIMEOUT";

/** To be closed by whoever has it. A connection that takes longer fails with the code above. */
export function networkAgent(env: NodeJS.ProcessEnv, connectMs: number): Agent {
  return new Agent({
    connect({ protocol, hostname, port }, callback) {
      const isSecure = protocol === "https:";
      const number = port === "" ? (isSecure ? 443 : 80) : Number(port);
      const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
      const text = `${host}:${number}`;
      const url = `${isSecure ? "wss" : "ws"}://${text}`;
      const dialling = dial({ url, socketPath: null, host, port: number, text, token: null }, null, env);
      void hand(dialling, text, connectMs, callback);
    },
  });
}

type Connected = (...done: [error: null, channel: net.Socket] | [error: Error, channel: null]) => void;

async function hand(
  dialling: Dialling,
  text: string,
  connectMs: number,
  connected: Connected,
): Promise<void> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    dialling.cancel();
  }, connectMs);
  try {
    const channel = await dialling.channel;
    connected(null, channel);
  } catch (error) {
    const late = Object.assign(new Error(`${text} does not answer`), { code: CONNECT_TIMEOUT });
    connected(isLate ? late : (error as Error), null);
  } finally {
    clearTimeout(timer);
  }
}
