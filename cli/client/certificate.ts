/** What is wrong with a certificate, in a sentence. */
import type { PeerCertificate } from "node:tls";
import { SkypipeError } from "./errors.ts";

type TlsError = NodeJS.ErrnoException & { cert?: PeerCertificate };

/** `null` if the error is about something else. Trying again is of no use. */
export function certificateError(error: unknown, at: string): SkypipeError | null {
  if (!(error instanceof Error)) return null;
  const { code = "", cert } = error as TlsError;
  const what = sentence(code, at, cert);
  return what === null ? null : new SkypipeError("unreachable", what, { cause: error });
}

function sentence(code: string, at: string, cert: PeerCertificate | undefined): string | null {
  switch (code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "CERT_UNTRUSTED":
      return `The certificate of ${at} is signed by nobody whom this computer trusts: if that is your own or your company's authority, set NODE_EXTRA_CA_CERTS to the file with its certificate.`;
    case "CERT_HAS_EXPIRED":
      return `The certificate of ${at} has expired: renew it, or set this computer's clock.`;
    case "CERT_NOT_YET_VALID":
      return `The certificate of ${at} is not valid yet: set this computer's clock.`;
    case "CERT_REVOKED":
      return `The certificate of ${at} was revoked: get another one.`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `The certificate of ${at} is for other names${namesOf(cert)}: use one of them, or get one for this name.`;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return `What answers at ${at} does not speak TLS: check the port, or use http: where there is none.`;
    default:
      return null;
  }
}

function namesOf(cert: PeerCertificate | undefined): string {
  const names = cert?.subjectaltname?.replaceAll(/(DNS|IP Address):/g, "");
  return names === undefined || names === "" ? "" : ` (${names.slice(0, 200)})`;
}
