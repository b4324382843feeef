/** Whether the satellite that is installed here listens, and not something else in its place. */
import http from "node:http";
import { answers } from "../../local/publish.ts";
import type { Listen } from "../messages.ts";
import { type Folder, readToken } from "./folder.ts";

const ANSWER_MS = 2_000;
const HEAD_CHARS_MAX = 100;

/** `others`: something answers that does not know this satellite's token. */
type Listener = "ours" | "others" | "nobody";

export async function isListening(folder: Folder, listen: Listen | null): Promise<boolean> {
  return (await listenerOf(folder, listen)) === "ours";
}

export async function listenerOf(folder: Folder, listen: Listen | null): Promise<Listener> {
  // Who may make a socket in the folder is its owner.
  if (listen === null) return (await answers(folder.socket)) ? "ours" : "nobody";
  return listenerAt(listen.port, readToken(folder) ?? "");
}

/** Anybody may listen on a port: only the satellite tells its figures for its token. */
function listenerAt(port: number, token: string): Promise<Listener> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const options = { host: "127.0.0.1", port, path: "/metrics", headers, timeout: ANSWER_MS, agent: false };
    const request = http.get(options, (response) => {
      let head = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        head = (head + text).slice(0, HEAD_CHARS_MAX);
      });
      response.once("end", () => {
        resolve(response.statusCode === 200 && head.includes("skypipe_") ? "ours" : "others");
      });
      response.once("error", () => resolve("others"));
    });
    request.once("timeout", () => request.destroy(new Error("it does not answer")));
    request.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ECONNREFUSED" ? "nobody" : "others");
    });
  });
}
