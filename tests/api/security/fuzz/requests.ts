/**
 * Requests made of an OpenAPI document: good ones first, then spoilt in some places.
 *
 * @module
 */
import type { SeededRandom } from "../../../../examples/course_management/seeding/random.ts";
import { TOKENS } from "../sample_server.ts";
import type { DescribedApi, Operation, Schema } from "./described_api.ts";

/** A request, as it goes over the wire. */
export interface FuzzRequest {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: string;
  /** Whether its framing is whole, so that another request may follow. */
  isWhole: boolean;
}

/** What often breaks a parser, a check or a file name. */
const NASTY: readonly [string, ...string[]] = [
  "",
  "null",
  "-1",
  "0",
  "1e999",
  "9007199254740993",
  "NaN",
  "true",
  "__proto__",
  "constructor",
  "..",
  "%2e%2e%2f",
  "..%2f..%2fetc%2fpasswd",
  "%00",
  "%0d%0aX-Injected:1",
  "%ff",
  "%zz",
  "%",
  "a\\b",
  "'\"><script>",
  "${7*7}",
  "\u2028\u202e",
  "ä",
  "CON",
  "x".repeat(300),
  "[".repeat(70),
  "*",
  "//",
  ";",
  "rebuild",
  "status",
];

const METHODS: readonly [string, ...string[]] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "FOO",
];

/** Makes requests; what was seen in answers is asked for again. */
export class RequestMaker {
  readonly #api: DescribedApi;
  readonly #random: SeededRandom;
  readonly #host: string;
  /** Ids and names that exist. */
  readonly #known: string[] = ["CourseDetails", "StudentShortInfo"];

  constructor(api: DescribedApi, random: SeededRandom, host: string) {
    this.#api = api;
    this.#random = random;
    this.#host = host;
  }

  /** Remembers ids in an answer. */
  learn(body: string): void {
    const ids = body.matchAll(
      /"([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{15}-[0-9a-f]{8}-\d+)"/g,
    );
    for (const [, id] of ids) {
      if (id === undefined || this.#known.includes(id)) continue;
      if (this.#known.length < 100) this.#known.push(id);
      else this.#known[this.#random.integer(2, 99)] = id;
    }
  }

  /** The next request. */
  next(): FuzzRequest {
    const { operations } = this.#api;
    const operation = operations[
      this.#random.integer(0, operations.length - 1)
    ] as Operation;
    const request = this.#good(operation);
    // A third is left as it is, so that what is deep inside is reached as well.
    const mutations = this.#random.integer(0, 2);
    for (let i = 0; i < mutations; i++) this.#spoil(request);
    request.headers.push(...this.#framing(request));
    return request;
  }

  #good(operation: Operation): FuzzRequest {
    const { method, path, parameters, body, isGuarded } = operation;
    let target = path;
    const query: string[] = [];
    const headers: [string, string][] = [["Host", this.#host]];
    for (const { in: place, name, schema } of parameters) {
      const value = encodeURIComponent(String(this.#value(schema)));
      if (place === "path") target = target.replace(`{${name}}`, () => value);
      else if (this.#chance(0.5)) continue;
      else if (place === "query") query.push(`${name}=${value}`);
      else headers.push([name, this.#chance(0.5) ? "respond-async" : "wait=1"]);
    }
    if (query.length > 0) target += `?${query.join("&")}`;
    if (isGuarded) headers.push(["Authorization", `Bearer ${TOKENS.operate}`]);
    let text = "";
    if (
      body !== undefined &&
      (path.startsWith("/admin") ? this.#chance(0.5) : true)
    ) {
      headers.push(["Content-Type", "application/json"]);
      text = JSON.stringify(this.#value(body));
    }
    return { method, target, headers, body: text, isWhole: true };
  }

  #value(given: Schema): unknown {
    const random = this.#random;
    const schema = this.#api.resolve(given);
    if (schema.enum !== undefined) {
      return schema.enum[random.integer(0, schema.enum.length - 1)];
    }
    const [type] = [schema.type].flat();
    switch (type) {
      case "object": {
        const fields = Object.entries(schema.properties ?? {}).filter((
          [name],
        ) => schema.required?.includes(name) || this.#chance(0.3));
        return Object.fromEntries(
          fields.map(([name, field]) => [name, this.#value(field)]),
        );
      }
      case "array":
        return Array.from(
          { length: random.integer(0, 3) },
          () => this.#value(schema.items ?? {}),
        );
      case "integer":
      case "number": {
        const { minimum = 0, maximum = 100 } = schema;
        return random.integer(minimum, maximum);
      }
      case "boolean":
        return this.#chance(0.5);
      default:
        if (this.#chance(0.5)) return this.#someKnown();
        // Most formats are told by an example alone.
        return typeof schema.example === "string"
          ? schema.example.replace(/^sian/, () => `s${random.integer(0, 1e9)}`)
          : this.#nasty().slice(0, schema.maxLength);
    }
  }

  #spoil(request: FuzzRequest): void {
    const random = this.#random;
    const place = random.integer(0, 9);
    if (place === 0) request.method = random.pick(METHODS);
    else if (place <= 2) request.target = this.#spoilText(request.target, "/");
    else if (place === 3) {
      const separator = request.target.includes("?") ? "&" : "?";
      const name = this.#chance(0.5) ? "limit" : this.#nasty();
      request.target += `${separator}${name}=${this.#nasty()}`;
    } else if (place <= 6) {
      request.body = this.#spoilText(request.body, "{");
    } else this.#spoilHeaders(request.headers);
  }

  /** What stands in a line or text must still fit there: the rest is the wire's business. */
  #spoilText(text: string, first: string): string {
    const random = this.#random;
    const at = random.integer(first === "/" ? 1 : 0, text.length);
    const kept = text.slice(0, at);
    const rest = text.slice(at);
    switch (random.integer(0, 4)) {
      case 0:
        return kept + this.#nasty() + rest;
      case 1:
        return kept + rest.slice(random.integer(0, 5));
      case 2:
        return kept + String.fromCharCode(random.integer(0x21, 0x7e)) +
          rest.slice(1);
      case 3:
        return kept + text + rest;
      default:
        return (first === "/" ? "/" : "") + this.#nasty();
    }
  }

  #spoilHeaders(headers: [string, string][]): void {
    const random = this.#random;
    const added: readonly [[string, string], ...[string, string][]] = [
      ["Authorization", `Bearer ${TOKENS.read}`],
      ["Authorization", `Basic ${this.#nasty()}`],
      ["Authorization", `Bearer ${"x".repeat(random.integer(0, 5_000))}`],
      ["Accept", this.#chance(0.5) ? "text/html" : this.#nasty()],
      ["Content-Type", this.#chance(0.5) ? "text/plain" : this.#nasty()],
      ["Content-Encoding", "gzip"],
      ["Host", this.#chance(0.5) ? "evil.example" : this.#nasty()],
      ["Prefer", this.#nasty()],
      ["X-Request-Id", this.#nasty()],
      ["X-Forwarded-For", this.#nasty()],
      ["If-None-Match", this.#nasty()],
      ["traceparent", this.#nasty()],
      ["Origin", "https://evil.example"],
      ["Expect", "100-continue"],
      ["Connection", "upgrade"],
      ["Upgrade", "websocket"],
    ];
    const [name, value] = random.pick(added);
    const kept = this.#chance(0.5)
      ? headers.filter(([other]) => other !== name)
      : [...headers];
    headers.splice(0, headers.length, ...kept, [name, value]);
  }

  #framing(request: FuzzRequest): [string, string][] {
    const { length } = new TextEncoder().encode(request.body);
    const kind = this.#random.integer(0, 29);
    if (kind > 3) return [["Content-Length", String(length)]];
    request.isWhole = false;
    if (kind === 0) return [["Content-Length", String(length + 5)]];
    if (kind === 1) return [["Content-Length", this.#nasty()]];
    if (kind === 2) return [["Content-Length", "70000"]];
    // As chunks, which its text most likely is none of.
    return [["Transfer-Encoding", "chunked"]];
  }

  #someKnown(): string {
    return this.#known[this.#random.integer(0, this.#known.length - 1)] ?? "";
  }

  #nasty(): string {
    return this.#random.pick(NASTY);
  }

  #chance(share: number): boolean {
    return this.#random.fraction() < share;
  }
}
