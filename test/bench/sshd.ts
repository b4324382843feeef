/** An OpenSSH server of the bench's own on loopback, with keys made for the run. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import type { Bed } from "../support/bed.ts";
import { freePort, listens } from "./ports.ts";

/** Where a server that runs as root wants an empty folder. A service manager makes it when it starts one. */
const emptyFolder = "/run/sshd";

/** Its process, and the beginning of a command of the shell that runs something on the other side. */
export async function sshd(bed: Bed): Promise<{ pid: number; remote: string }> {
  const port = await freePort();
  const [hostKey, userKey, config] = [bed.path("host_key"), bed.path("user_key"), bed.path("sshd_config")];
  for (const key of [hostKey, userKey]) {
    await bed.spawn("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).exits(0);
  }
  copyFileSync(`${userKey}.pub`, bed.path("authorized"));
  writeFileSync(bed.path("known_hosts"), "");
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${bed.path("authorized")}`,
    `PidFile ${bed.path("sshd.pid")}`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  if (process.getuid?.() === 0) mkdirSync(emptyFolder, { recursive: true });
  const server = bed.spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config]);
  await listens(port, server);
  const options = [
    `-p ${port} -i ${userKey} -l ${userInfo().username} -c aes128-gcm@openssh.com -F none`,
    `-o UserKnownHostsFile=${bed.path("known_hosts")} -o StrictHostKeyChecking=no -o BatchMode=yes`,
    "-o LogLevel=ERROR",
  ];
  return { pid: server.pid, remote: `ssh ${options.join(" ")} 127.0.0.1` };
}
