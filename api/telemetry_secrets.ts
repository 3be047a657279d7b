/**
 * Keeps out of the log what OpenTelemetry's own variables hold that is nobody's business: headers
 * for the collector, such as its token. OpenTelemetry's packages quote what they cannot use.
 *
 * @module
 */
import type { Logger } from "../mod.ts";
import type { Env } from "./telemetry_variables.ts";

const SIGNALS = ["", "TRACES_", "METRICS_", "LOGS_"];

/** What is shorter stands in words, too, and hides little. */
const LENGTH_MIN = 4;

/** Stands for what is not told. */
const HIDDEN = "[hidden]";

/**
 * A logger that tells everything but those values.
 *
 * @param logger Where to.
 * @param env Reads the environment.
 * @returns The logger; `logger` itself where nothing is to be hidden.
 */
export function withoutSecrets(logger: Logger, env: Env): Logger {
  const secrets = secretsOf(env);
  if (secrets.length === 0) return logger;
  const hide = (text: string) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return {
    log(level, message, attributes = {}) {
      const { error } = attributes;
      const told = error instanceof Error
        ? { name: error.name, message: hide(error.message) }
        : typeof error === "string"
        ? hide(error)
        : error;
      logger.log(
        level,
        message,
        "error" in attributes ? { ...attributes, error: told } : attributes,
      );
    },
  };
}

/** They, the longest first: one may be a part of another. */
function secretsOf(env: Env): string[] {
  const found = SIGNALS.flatMap((signal) => [
    ...headerValues(env(`OTEL_EXPORTER_OTLP_${signal}HEADERS`) ?? ""),
    ...urlParts(env(`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`) ?? ""),
  ]);
  return [...new Set(found)].filter(({ length }) => length >= LENGTH_MIN)
    .toSorted((a, b) => b.length - a.length);
}

/** Values of `name=value,name=value`, as they stand there and as they are sent. */
function headerValues(text: string): string[] {
  return text.split(",").flatMap((pair) => {
    const value = pair.slice(pair.indexOf("=") + 1).trim();
    // "Bearer", or "Basic", before it is no secret.
    const bare = value.replace(/^\w+(?: |%20)+/, "");
    return [value, bare].flatMap((each) => [each, decoded(each)]);
  });
}

/** User and password, and the query string. */
function urlParts(text: string): string[] {
  const [, user = ""] = /\/\/([^/?#]+)@/.exec(text) ?? [];
  const [, query = ""] = /\?([^#]+)/.exec(text) ?? [];
  return [user, query];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
