/** Certificates of an authority that only the test trusts. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

export interface Certificate {
  key: Buffer;
  cert: Buffer;
}

export class Authority {
  /** Its own certificate: what NODE_EXTRA_CA_CERTS names. */
  readonly file: string;
  readonly #folder: string;
  #issued = 0;

  /** Puts its files into the folder. */
  constructor(folder: string) {
    this.#folder = folder;
    this.file = path.join(folder, "ca.pem");
    this.#openssl([
      "req",
      "-x509",
      ...NEW_KEY,
      "ca.key",
      "-out",
      "ca.pem",
      "-subj",
      "/CN=Test",
      "-days",
      "2",
    ]);
  }

  /** For one name; by default it is good for two days, and a negative number of days has passed. */
  issue(name: string, days = 2): Certificate {
    const [key, request, cert] = ["key", "csr", "pem"].map((ending) => `${++this.#issued}.${ending}`) as [
      string,
      string,
      string,
    ];
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
    this.#openssl(["req", ...NEW_KEY, key, "-out", request, ...subject]);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-copy_extensions", "copy"];
    this.#openssl(["x509", "-req", "-in", request, "-out", cert, ...signed, "-days", String(days)]);
    const [keyFile, certFile] = [key, cert].map((file) => path.join(this.#folder, file)) as [string, string];
    return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  }

  #openssl(args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "ignore" });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];
