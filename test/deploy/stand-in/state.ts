/** What there is in the stand-in's account: plain data, changed by the handlers only. */
import { randomBytes } from "node:crypto";
import type { MachineProcess } from "./machine-process.ts";

interface Organization {
  readonly slug: string;
  readonly isPersonal: boolean;
}

export interface Token {
  readonly orgs: readonly string[];
  /** Writes are refused. */
  readonly isReadOnly?: boolean;
  /** It is for these alone. */
  readonly apps?: readonly string[];
  readonly isExpired?: boolean;
}

export interface AppState {
  readonly id: string;
  readonly name: string;
  readonly org: string;
  readonly ips: { ip: string; shared: boolean }[];
  readonly volumes: Map<string, VolumeState>;
  readonly machines: Map<string, MachineState>;
  /** Requests for what belongs to it that are still answered as if it were not there. */
  unknownFor: number;
}

export interface VolumeState {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly size_gb: number;
  readonly created_at: string;
  attached_machine_id: string | null;
  /** 0 until a machine has run with it. */
  blocks: number;
}

interface MachineEventState {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly source: string;
  readonly timestamp: number;
}

export interface Config {
  env?: Record<string, string>;
  metadata?: Record<string, string>;
  files?: { guest_path: string; raw_value: string; mode?: number }[];
  init?: { exec?: string[] };
  mounts?: { volume: string; path: string }[];
  services?: { internal_port: number; autostart?: boolean; autostop?: string }[];
  restart?: { policy?: string };
  stop_config?: { signal?: NodeJS.Signals; timeout?: string };
  guest?: Record<string, unknown>;
  [other: string]: unknown;
}

export interface MachineState {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly created_at: string;
  state: string;
  instance_id: string;
  config: Config;
  hostStatus: "ok" | "unreachable";
  lease: { nonce: string; expiresMs: number } | null;
  readonly events: MachineEventState[];
  process: MachineProcess | null;
}

export interface State {
  readonly organizations: Map<string, Organization>;
  readonly tokens: Map<string, Token>;
  readonly apps: Map<string, AppState>;
  /** Names of apps that belong to people who are not here. */
  readonly foreignApps: Set<string>;
  /** Regions in which there is no room. */
  readonly fullRegions: Set<string>;
}

export function randomId(bytes = 7): string {
  return randomBytes(bytes).toString("hex");
}

/** They sort as they were made, as the vendor's do. */
let instances = 0;
export function instanceId(): string {
  return `01${(++instances).toString(36).toUpperCase().padStart(8, "0")}${randomId(8).toUpperCase()}`;
}

export interface Region {
  readonly code: string;
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly deprecated?: boolean;
  readonly requires_paid_plan?: boolean;
}

export const regions: readonly Region[] = [
  { code: "fra", name: "Frankfurt, Germany", latitude: 50.1, longitude: 8.7 },
  { code: "ams", name: "Amsterdam, Netherlands", latitude: 52.4, longitude: 4.9 },
  { code: "cdg", name: "Paris, France", latitude: 48.9, longitude: 2.4 },
  { code: "old", name: "Closed", latitude: 50.2, longitude: 8.6, deprecated: true },
  { code: "bom", name: "Mumbai, India", latitude: 19.1, longitude: 72.9, requires_paid_plan: true },
  { code: "iad", name: "Ashburn, Virginia (US)", latitude: 39, longitude: -77.5 },
  { code: "syd", name: "Sydney, Australia", latitude: -33.9, longitude: 151.2 },
];
