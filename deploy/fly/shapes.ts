/** What Fly's Machines API answers, as far as it is used. Every field may be missing, whatever the API promises. */

export interface TokenInfo {
  readonly org_slug?: string;
  readonly apps?: readonly string[] | null;
  readonly restricted_to_machine?: string;
}

export interface App {
  readonly name?: string;
  readonly organization?: { readonly slug?: string };
}

export interface IpAssignment {
  readonly ip?: string;
  readonly shared?: boolean;
  readonly egress?: boolean;
}

export interface Region {
  readonly code: string;
  readonly name?: string;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly requires_paid_plan?: boolean;
  readonly deprecated?: boolean;
}

export interface Volume {
  readonly id: string;
  readonly name?: string;
  readonly region?: string;
  readonly state?: string;
  readonly attached_machine_id?: string | null;
  readonly created_at?: string;
  readonly blocks?: number;
  readonly bytes_used?: number;
}

export interface Machine {
  readonly id: string;
  readonly name?: string;
  readonly state?: string;
  readonly region?: string;
  /** Of this version of its configuration. */
  readonly instance_id?: string;
  readonly created_at?: string;
  /** Absent while the host of the machine can't be reached. */
  readonly config?: MachineConfig | null;
  readonly incomplete_config?: MachineConfig | null;
  readonly host_status?: string;
  readonly events?: readonly MachineEvent[] | null;
}

export interface MachineEvent {
  readonly type?: string;
  readonly status?: string;
  readonly timestamp?: number;
  readonly request?: unknown;
}

/** What is not named here is kept as it is when a machine is updated. */
export interface MachineConfig {
  readonly image?: string;
  readonly env?: Readonly<Record<string, string>> | null;
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly files?: readonly MachineFile[] | null;
  readonly guest?: Guest | null;
  readonly mounts?: readonly Mount[] | null;
  readonly [other: string]: unknown;
}

export interface MachineFile {
  readonly guest_path?: string;
  /** base64 */
  readonly raw_value?: string;
  readonly mode?: number;
}

export interface Guest {
  readonly cpu_kind?: string;
  readonly cpus?: number;
  readonly memory_mb?: number;
}

interface Mount {
  readonly volume?: string;
  readonly path?: string;
}

export interface Lease {
  readonly data?: { readonly nonce?: string };
}

/** `value` as a list, whatever it is; elements that are no objects are left out. */
export function listOf<Item>(value: unknown): Item[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item) => typeof item === "object" && item !== null) as Item[];
}
