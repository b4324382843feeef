/** What is deployed: small, the same byte for byte wherever it is built, whole by itself, and honest about its hash. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { expect, it, onTestFinished, vi } from "vitest";
import { connect } from "../../cli/client/connect.ts";
import { bundleOf, compressBundle, ownBundle } from "../../deploy/bundle.ts";
import { Proc } from "../support/proc.ts";

vi.setConfig({ testTimeout: 240_000 }); // a whole build, perhaps beside others

const root = fileURLToPath(new URL("../..", import.meta.url));

function useFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "skypipe-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function unpack(folder: string): string {
  const [loader, satellite] = ownBundle().files;
  for (const { name, contents } of [loader, satellite]) writeFileSync(path.join(folder, name), contents);
  return path.join(folder, loader.name);
}

it("takes less than 100 KB", () => {
  const bytes = ownBundle().files.map(({ contents }) => contents.length);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(100_000);
});

it("is built the same, byte for byte, in another folder at another time, and names no folder", () => {
  const folder = path.join(useFolder(), "somewhere", "else");
  mkdirSync(folder, { recursive: true });
  for (const name of ["cli", "satellite", "deploy", "package.json", "package-lock.json", "tsconfig.json"]) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  execFileSync(process.execPath, ["--import", "tsx", "deploy/build.ts", "--no-types"], { cwd: folder });
  const built = readFileSync(path.join(folder, "dist", "satellite.br"));
  expect(built.equals(readFileSync(path.join(root, "dist", "satellite.br")))).toBe(true);
  const script = brotliDecompressSync(built).toString();
  expect(script).not.toContain(tmpdir());
  expect(script).not.toContain(root);
  expect(script).not.toContain("node_modules");
});

it("runs from its two files alone, and tells the hash of what runs", async () => {
  const folder = useFolder();
  const loader = unpack(folder);
  const env = { PATH: process.env.PATH, PORT: "0", SKYPIPE_TOKEN: "secret" };
  const proc = new Proc(
    process.execPath,
    [loader, "--host", "127.0.0.1", "--data", path.join(folder, "pipes")],
    {
      env,
    },
  );
  onTestFinished(() => proc.kill("SIGKILL"));
  await proc.puts("\n");
  const satellite = await connect({ url: proc.out.trim(), token: "secret" });
  const status = await satellite.inspect();
  expect(status).toMatchObject({ store: "files", bundle: ownBundle().sha256 });
  const hash = createHash("sha256").update(ownBundle().files[1].contents).digest("hex");
  expect(status.bundle).toBe(hash);
  await satellite.close();
  proc.kill("SIGTERM");
  await proc.exits(0);
  expect(proc.err).not.toContain("secret");
});

it("refuses flags that are wrong in one sentence", async () => {
  const loader = unpack(useFolder());
  const env = { PATH: process.env.PATH };
  const wrongPort = new Proc(process.execPath, [loader, "--port", "http"], { env });
  expect((await wrongPort.exits(2)).err).toBe(
    "skypipe: 'http' is not a port: a number from 0 to 65535, for example 8080\n",
  );
  const open = new Proc(process.execPath, [loader, "--host", "0.0.0.0"], { env });
  expect((await open.exits(2)).err).toMatch(/needs a token/);
  const unknown = new Proc(process.execPath, [loader, "--speed", "1"], { env });
  expect((await unknown.exits(2)).err).toMatch(/^skypipe: .*--speed.*\n$/);
});

it("is not made where it would be too large to be deployed", () => {
  const noise = Buffer.from(
    Array.from({ length: 120_000 }, (_, at) => createHash("md5").update(`${at}`).digest()[0] ?? 0),
  );
  expect(() => compressBundle(noise)).toThrow(/takes \d+ bytes, and may take 100000/);
  expect(bundleOf(compressBundle(Buffer.from("1")), "1.2.3").version).toBe("1.2.3");
});
