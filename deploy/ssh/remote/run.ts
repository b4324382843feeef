import { spawnSync } from "node:child_process";

const COMMAND_MS = 30_000;

export interface Ran {
  readonly ok: boolean;
  readonly out: string;
  /** The last line of what it complained of. */
  readonly complaint: string;
}

/** A program of the host's, with a bound. One that is not there is one that failed. */
export function run(program: string, args: readonly string[], input?: string): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: COMMAND_MS,
    env: withRuntime(process.env),
    ...(input === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input }),
  });
  const lines = (stderr ?? "").split("\n").filter((line) => line.trim() !== "");
  return {
    ok: error === undefined && status === 0,
    out: stdout ?? "",
    complaint: lines.at(-1) ?? error?.message ?? `${program} ended with ${status}`,
  };
}

/** A login without a session of its own, as by some ssh, does not say where the user's systemd is. */
function withRuntime(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const runtime = env["XDG_RUNTIME_DIR"] ?? "";
  return runtime === "" ? { ...env, XDG_RUNTIME_DIR: `/run/user/${process.getuid?.() ?? 0}` } : env;
}

/** For a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
