/** Holds every request against the vendor's own description of its API: an unknown field is a violation. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv, type ValidateFunction } from "ajv";

const file = fileURLToPath(new URL("../../../../shared/specs/fly/openapi.json", import.meta.url));

/** What the vendor's documentation and its own client send, and its description leaves out. */
const undescribed: Readonly<Record<string, readonly string[]>> = {
  "POST /apps": ["wait"],
  "DELETE /apps/{app_name}": ["force"],
};

type Schema = Record<string, unknown>;

interface Operation {
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: Schema }[];
  readonly requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
}

interface Route {
  readonly method: string;
  readonly template: string;
  readonly pattern: RegExp;
  readonly query: ReadonlySet<string>;
  readonly required: readonly string[];
  /** `null`: it takes no body. */
  readonly body: ValidateFunction | null;
}

export interface Contract {
  /** What is wrong with a request; `null` if nothing is. The path is without `/v1`. */
  check(method: string, path: string, query: URLSearchParams, body: unknown): string | null;
}

/** `null`, with a message, where the description is not there; with CI=true that is an error. */
export function loadContract(): Contract | null {
  if (existsSync(file)) return contractOf(JSON.parse(readFileSync(file, "utf8")) as Document);
  const message = `no contract check: ${file} is not there`;
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`${message}\n`);
  return null;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Schema> };
}

function contractOf(document: Document): Contract {
  const closed = closeAll(document) as Document;
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addSchema({ $id: "fly", components: closed.components });
  const routes = Object.entries(closed.paths).flatMap(([template, operations]) =>
    Object.entries(operations).map(([method, operation]) =>
      routeOf(ajv, method.toUpperCase(), template, operation),
    ),
  );
  return {
    check(method, path, query, body) {
      const route = routes.find((each) => each.method === method && each.pattern.test(path));
      if (route === undefined) return `there is no ${method} ${path}`;
      const unknown = [...query.keys()].filter((name) => !route.query.has(name));
      if (unknown.length > 0) return `${method} ${route.template} has no parameter ${unknown.join(", ")}`;
      const missing = route.required.filter((name) => !query.has(name));
      if (missing.length > 0) return `${method} ${route.template} lacks ${missing.join(", ")}`;
      if (route.body === null) return body === undefined ? null : `${method} ${route.template} takes no body`;
      if (body === undefined) return `${method} ${route.template} lacks a body`;
      return route.body(body) ? null : `${method} ${route.template}: ${ajv.errorsText(route.body.errors)}`;
    },
  };
}

function routeOf(ajv: Ajv, method: string, template: string, operation: Operation): Route {
  const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
  const schema = operation.requestBody?.content["application/json"]?.schema;
  return {
    method,
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`),
    query: new Set([...parameters.map(({ name }) => name), ...(undescribed[`${method} ${template}`] ?? [])]),
    required: parameters.filter(({ required }) => required === true).map(({ name }) => name),
    body: schema === undefined ? null : ajv.compile(schema),
  };
}

/** Every object whose fields are listed has no others; what points elsewhere points into the document that ajv knows. */
function closeAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closeAll);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, closeAll(each)] as const);
  const schema: Schema = Object.fromEntries(entries);
  if (typeof schema["$ref"] === "string") schema["$ref"] = schema["$ref"].replace(/^#/, "fly#");
  const isOpen = schema["additionalProperties"] === undefined && schema["allOf"] === undefined;
  if (schema["type"] === "object" && schema["properties"] !== undefined && isOpen) {
    schema["additionalProperties"] = false;
  }
  return schema;
}
