/**
 * Which host names the server answers to.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { MiddlewareHandler } from "hono";
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

/**
 * Refuses requests that were meant for another host: a page whose name was made to point to this
 * machine (DNS rebinding) is of the same origin to its browser, but cannot change this header.
 *
 * @param hosts The accepted names, without ports.
 * @returns The middleware.
 */
export function requireHost(hosts: readonly string[]): MiddlewareHandler {
  const accepted = new Set(hosts.map((host) => host.toLowerCase()));
  return async (context, next) => {
    // The runtime takes the URL's host from the Host header.
    const { hostname } = new URL(context.req.url);
    if (accepted.has(hostname)) return await next();
    return problemResponse(context, {
      kind: "misdirected-request",
      status: 421,
      title: "Misdirected request",
      detail: "This server does not answer to that host name: use one of " +
        "those in 'allowedHosts'",
    });
  };
}
