/** What the satellite's machine is at Fly: which image, files, flags, ports and disk. */
import { createHash, randomBytes } from "node:crypto";
import type { Bundle } from "../bundle.ts";
import { configOf } from "./find.ts";
import { METADATA } from "./names.ts";
import type { Guest, Machine, MachineConfig, MachineFile } from "./shapes.ts";

/** Node, and nothing else of it is used. A tag that is not moved. */
const IMAGE = "docker.io/library/node:24.12.0-alpine3.22";
const NODE = "/usr/local/bin/node";
const FOLDER = "/skypipe";
const MOUNT = "/data";
const PORT = 8080;
/** Where the proxy would rather begin, and where it begins to hold connections back. */
const CONNECTIONS = { soft: 900, hard: 1000 };
/** The proxy, through which all connections come, says in this header where each comes from. */
const CLIENT_ADDRESS = "fly-client-ip";
const TOKEN_BYTES = 32;
const READABLE = 0o444;

const TOKEN_VARIABLE = "SKYPIPE_TOKEN";

export interface MachineWishes {
  readonly bundle: Bundle;
  readonly token: string;
  readonly guest: Guest;
  /** `null`: nothing outlives a stop, so it is never stopped. */
  readonly volume: string | null;
}

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

export function machineConfig({ bundle, token, guest, volume }: MachineWishes): MachineConfig {
  return {
    ...satelliteConfig(bundle, volume !== null),
    env: { PORT: String(PORT), [TOKEN_VARIABLE]: token },
    guest,
    metadata: { ...metadataOf(bundle), [METADATA.id]: randomBytes(8).toString("hex") },
    ...(volume === null ? {} : { mounts: [{ volume, path: MOUNT }] }),
  };
}

/** The same machine with another satellite: disk, size, token and what others have added stay as they are. */
export function upgradedConfig(old: MachineConfig, bundle: Bundle, token: string): MachineConfig {
  const fresh = satelliteConfig(bundle, (old.mounts ?? []).length > 0);
  return {
    ...old,
    ...fresh,
    env: { ...old.env, PORT: String(PORT), [TOKEN_VARIABLE]: token },
    metadata: { ...old.metadata, ...metadataOf(bundle) },
    files: [...(old.files ?? []).filter((file) => !isOurs(file)), ...(fresh.files ?? [])],
  };
}

function isOurs({ guest_path = "" }: MachineFile): boolean {
  return guest_path.startsWith(`${FOLDER}/`);
}

function satelliteConfig(bundle: Bundle, hasVolume: boolean): MachineConfig {
  const [loader] = bundle.files;
  const storing = hasVolume ? ["--data", `${MOUNT}/pipes`] : ["--memory"];
  return {
    image: IMAGE,
    init: {
      exec: [
        NODE,
        `${FOLDER}/${loader.name}`,
        "--host",
        "0.0.0.0",
        "--trust-proxy",
        CLIENT_ADDRESS,
        ...storing,
      ],
    },
    files: bundle.files.map(({ name, contents }) => ({
      guest_path: `${FOLDER}/${name}`,
      raw_value: Buffer.from(contents).toString("base64"),
      mode: READABLE,
    })),
    restart: { policy: "always" },
    auto_destroy: false,
    stop_config: { signal: "SIGTERM", timeout: "10s" },
    services: [service(hasVolume)],
  };
}

function service(hasVolume: boolean): unknown {
  return {
    protocol: "tcp",
    internal_port: PORT,
    autostart: true,
    // It counts connections, so nobody who is connected is cut off; what waits is on the disk.
    autostop: hasVolume ? "stop" : "off",
    min_machines_running: 0,
    concurrency: { type: "connections", soft_limit: CONNECTIONS.soft, hard_limit: CONNECTIONS.hard },
    ports: [
      { port: 443, handlers: ["tls", "http"], http_options: { idle_timeout: 600 } },
      { port: 80, handlers: ["http"], force_https: true },
    ],
    checks: [
      {
        type: "http",
        port: PORT,
        method: "GET",
        path: "/healthz",
        interval: "15s",
        timeout: "5s",
        grace_period: "10s",
      },
    ],
  };
}

function metadataOf(bundle: Bundle): Record<string, string> {
  return {
    [METADATA.role]: "satellite",
    [METADATA.version]: bundle.version,
    [METADATA.sha256]: bundle.sha256,
  };
}

/** What a machine says of itself. */
export interface Deployed {
  /** Empty: it is half-made, or its host can't be asked. */
  readonly token: string;
  readonly version: string;
  /** Of the file that it runs, by what the file holds; by the metadata where it is not shown. */
  readonly sha256: string;
  readonly hasVolume: boolean;
}

export function deployedOf(machine: Machine): Deployed {
  const config = configOf(machine);
  const bundle = config.files?.find(({ guest_path = "" }) => guest_path.endsWith(".br"))?.raw_value;
  return {
    token: config.env?.[TOKEN_VARIABLE] ?? "",
    version: config.metadata?.[METADATA.version] ?? "",
    sha256:
      bundle === undefined || bundle === ""
        ? (config.metadata?.[METADATA.sha256] ?? "")
        : createHash("sha256").update(Buffer.from(bundle, "base64")).digest("hex"),
    hasVolume: (config.mounts ?? []).length > 0,
  };
}
