/** The few messages of NATS and MQTT 3.1.1 that the bench writes by itself, to be faster than any client. */
const subject = "bench";

/** MSG with subscription 1, as it comes. */
export function natsBytes(payload: number): number {
  return `MSG ${subject} 1 ${payload}\r\n`.length + payload + 2;
}

export function natsPublish(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`PUB ${subject} ${payload.length}\r\n`), payload, Buffer.from("\r\n")]);
}

export function mqttBytes(payload: number): number {
  return mqttPublish(Buffer.alloc(payload)).length;
}

/** QoS 0. */
export function mqttPublish(payload: Buffer): Buffer {
  return packet(0x30, Buffer.concat([text(subject), payload]));
}

export function mqttConnect(client: string): Buffer {
  const cleanSession = 0x02;
  return packet(0x10, Buffer.concat([text("MQTT"), Buffer.from([4, cleanSession, 0, 0]), text(client)]));
}

export function mqttSubscribe(): Buffer {
  return packet(0x82, Buffer.concat([Buffer.from([0, 1]), text(subject), Buffer.from([0])]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** The length is in groups of seven bits, the lowest first. */
function packet(head: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; length.length === 0 || left > 0; left >>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}
