/**
 * Which host names the server answers to.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";
import { remoteAddressOf } from "./client_address.ts";
import { problemResponse } from "./problem.ts";

/** The names of the loopback interface, as they stand in URLs. */
export const LOOPBACK_HOSTS: readonly string[] = [
  "localhost",
  "127.0.0.1",
  "[::1]",
];

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * Whether a server bound to this address can be reached from this machine only.
 *
 * @param host A host name or an IP address.
 * @returns `true` for `localhost`, `127.0.0.0/8` and `::1`; other names are not looked up.
 */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}

/** A name or an address, and a port: what RFC 9110 has in `Host`, without what nobody needs. */
const HOST_PATTERN =
  /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/**
 * Refuses requests that do not say clearly which host they are for, or how long they are, before
 * anything else looks at them: what two servers on the way understand differently can be used to
 * smuggle a request past one of them.
 *
 * @returns The middleware.
 */
export function requireWellFormed(): MiddlewareHandler {
  return async (context, next) => {
    const fault = faultOf(context);
    if (fault === undefined) return await next();
    return problemResponse(context, {
      kind: "malformed-request",
      status: 400,
      title: "Malformed request",
      detail: `The request cannot be understood: ${fault}`,
      headers: { "Connection": "close" },
      anonymous: true,
    });
  };
}

function faultOf(context: Context): string | undefined {
  const host = context.req.header("host");
  // Requests that an application makes of itself need none.
  if (host === undefined) {
    return remoteAddressOf(context) === undefined
      ? undefined
      : "it bears no Host header, which HTTP/1.1 demands";
  }
  if (!HOST_PATTERN.test(host)) return "its Host header is malformed";
  const url = URL.parse(context.req.url);
  if (url === null) return "its target is malformed";
  // The target may name a host of its own, which then counts.
  if (url.host !== URL.parse(`${url.protocol}//${host}`)?.host) {
    return "its target and its Host header name different hosts";
  }
  const coding = context.req.header("transfer-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    return "its body is encoded in a way that this server does not know";
  }
  return undefined;
}

/**
 * Refuses requests that were meant for another host: a page whose name was made to point to this
 * machine (DNS rebinding) is of the same origin to its browser, but cannot change this header.
 *
 * @param hosts The accepted names, without ports.
 * @param options `anyAddress`: whether every IP address is accepted as well, of which no name can
 * be made to point elsewhere.
 * @returns The middleware.
 */
export function requireHost(
  hosts: readonly string[],
  { anyAddress = false }: { readonly anyAddress?: boolean } = {},
): MiddlewareHandler {
  const accepted = new Set(hosts.map(asInUrl));
  return async (context, next) => {
    // The runtime takes the URL's host from the Host header.
    const hostname = URL.parse(context.req.url)?.hostname ?? "";
    const isAddress = isIP(hostname.replaceAll(/[[\]]/g, "")) !== 0;
    if (accepted.has(hostname) || (anyAddress && isAddress)) {
      return await next();
    }
    return problemResponse(context, {
      kind: "misdirected-request",
      status: 421,
      title: "Misdirected request",
      detail: "This server does not answer to that host name: use one of " +
        "those in 'allowedHosts'",
    });
  };
}

/** URLs have names in lower case and ASCII, and IPv6 addresses abridged and in brackets. */
function asInUrl(host: string): string {
  const url = URL.parse(`http://${isIP(host) === 6 ? `[${host}]` : host}`);
  return url?.hostname ?? host;
}
