/** `PROTOCOL PORT BYTES PAYLOAD`: publishes as fast as stdin says that readers follow: a byte to begin, and one for each step. */
import { connect } from "node:net";
import { mqttConnect, mqttPublish, natsPublish } from "./messages.ts";

const stepBytes = 262_144;
/** How far it may be ahead of the slowest reader. */
const stepsAhead = 8;
const [protocol = "", port, bytesText, payloadText] = process.argv.slice(2);
const payload = Buffer.alloc(Number(payloadText), "x");
const message = protocol === "nats" ? natsPublish(payload) : mqttPublish(payload);
/** As many messages as a step has, in one write. */
const perStep = Math.max(1, Math.round(stepBytes / payload.length));
const batch = Buffer.concat(Array.from({ length: perStep }, () => message));
let messagesLeft = Math.ceil(Number(bytesText) / payload.length);
let allowed = 0;

const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
socket.write(protocol === "nats" ? 'CONNECT {"verbose":false}\r\n' : mqttConnect("publisher"));
socket.on("data", () => undefined).on("error", () => process.exit(1));

process.stdin.on("data", (steps: Buffer) => {
  allowed += steps[0] === "g".charCodeAt(0) ? stepsAhead + steps.length - 1 : steps.length;
  for (; allowed > 0 && messagesLeft > 0; allowed--) {
    const messages = Math.min(perStep, messagesLeft);
    messagesLeft -= messages;
    socket.write(messages === perStep ? batch : batch.subarray(0, messages * message.length));
  }
});
process.stdin.on("end", () => process.exit(0));
