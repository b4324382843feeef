/** The satellite's figures in the text format of Prometheus, version 0.0.4 [H-21]. */
import type { PipeRow, Status } from "../wire/messages.ts";
import type { Answer } from "./answer.ts";
import type { Figures } from "./exchange.ts";

export interface MetricsParts {
  readonly figures: Figures;
  readonly rows: readonly PipeRow[];
  /** Asked in a session of its own, which it counts. */
  readonly status: Status;
}

interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export function metricsOf(parts: MetricsParts): Answer {
  const body = [...ofPipes(parts), ...ofTraffic(parts), ...ofProcess()].map(shown).join("");
  return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body };
}

function ofPipes({ rows, status }: MetricsParts): Metric[] {
  const sum = (of: (row: PipeRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const { software, store } = status;
  return [
    gauge("skypipe_info", "Which software this is, and where it keeps what waits.", 1, { software, store }),
    gauge("skypipe_uptime_seconds", "Seconds since it was started.", status.uptimeS),
    gauge("skypipe_pipes", "Pipes that exist.", status.pipes),
    gauge("skypipe_streams", "Streams in all pipes.", status.streams),
    gauge(
      "skypipe_writers",
      "Writers that are attached.",
      sum((row) => row.writers),
    ),
    gauge(
      "skypipe_readers",
      "Readers that are attached, without taps.",
      sum((row) => row.readers),
    ),
    gauge(
      "skypipe_taps",
      "Taps that are attached.",
      sum((row) => row.taps),
    ),
    gauge("skypipe_backlog_bytes", "Bytes that are stored.", status.usedBytes),
    gauge("skypipe_backlog_bytes_max", "Room for bytes that are stored.", status.maxBytes),
  ];
}

function ofTraffic({ figures, status }: MetricsParts): Metric[] {
  return [
    counter("skypipe_received_bytes_total", "Payload that writers have sent.", figures.receivedBytes),
    counter("skypipe_sent_bytes_total", "Payload that was sent to readers.", figures.sentBytes),
    gauge("skypipe_connections", "Connections of ends, requests included.", figures.connections),
    gauge("skypipe_sessions", "Sessions, those in grace included.", status.sessions - 1),
    gauge("skypipe_store_trouble", "1 while the disk is full or fails.", figures.isStoreInTrouble ? 1 : 0),
  ];
}

function ofProcess(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge("process_resident_memory_bytes", "Resident set of the process.", process.memoryUsage.rss()),
    counter("process_cpu_seconds_total", "CPU time of the process, user and system.", (user + system) / 1e6),
  ];
}

function gauge(name: string, help: string, value: number, labels?: Metric["labels"]): Metric {
  return { name, type: "gauge", help, value, ...(labels && { labels }) };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, type: "counter", help, value };
}

function shown({ name, type, help, value, labels = {} }: Metric): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  const labelled = pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${labelled} ${value}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
