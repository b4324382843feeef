/** Exit codes of DESIGN.md §5 that the table of PROTOCOL.md §10 does not have. */
export const EXIT_INTERRUPTED = 130;
export const EXIT_OUTPUT_CLOSED = 141;

/** Ends the command with an exit code for which there is no error code, and a sentence; an empty one is not said. */
export class Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Exit";
    this.exitCode = exitCode;
  }
}

/** The exit code of what has failed outside the protocol: reading, writing. */
export const EXIT_FAILED = 1;

/** The code of a failed system call, such as `ENOENT`; empty where there is none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

const reasons: Record<string, string> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EEXIST: "something else is there",
  EFBIG: "the file is too large",
  EIO: "input/output error",
  EISDIR: "it is a directory",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on the device",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
};

/** Why a system call failed, in words. */
export function systemReason(error: unknown): string {
  const code = systemCode(error);
  return reasons[code] ?? (code === "" ? String(error) : code);
}
