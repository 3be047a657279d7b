/**
 * Which client a request comes from.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { Context } from "hono";
import { expandIPv6 } from "hono/utils/ipaddr";

/** Tells the client of a request; `undefined` where the request came through no socket. */
export type ClientAddress = (context: Context) => string | undefined;

/** Entries of `X-Forwarded-For` that are looked at. */
const FORWARDED_MAX = 32;
const MAPPED_PATTERN = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Tells clients apart by the address of the connection. Headers say otherwise only when it comes
 * from a trusted proxy: anybody can write them.
 *
 * @param trustedProxies Addresses and networks (`10.0.0.0/8`) of proxies.
 * @returns The function that tells.
 * @throws {RangeError} If an entry is no address or network.
 */
export function clientAddresses(
  trustedProxies: readonly string[],
): ClientAddress {
  const trusted = blockListOf(trustedProxies);
  const isTrusted = (address: string) =>
    trusted.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  return (context) => {
    let address = remoteAddressOf(context);
    if (address === undefined || !isTrusted(address)) return address;
    const forwarded = (context.req.header("x-forwarded-for") ?? "")
      .split(",").slice(-FORWARDED_MAX).map((entry) => entry.trim());
    // Each proxy adds the address that it saw: from the right, up to the first that is no proxy.
    for (const entry of forwarded.reverse()) {
      if (isIP(entry) === 0) break;
      address = canonical(entry);
      if (!isTrusted(address)) break;
    }
    return address;
  };
}

/**
 * The address at the other end of the connection.
 *
 * @param context The request's context.
 * @returns The address, or `undefined` where the request came through no TCP socket.
 */
export function remoteAddressOf(context: Context): string | undefined {
  // What the runtime's server hands over beside the request.
  const hostname: unknown = context.env?.remoteAddr?.hostname;
  return typeof hostname === "string" && isIP(hostname) !== 0
    ? canonical(hostname)
    : undefined;
}

/**
 * What a limit counts by: of an IPv6 address the network, as a client has all of its addresses.
 *
 * @param address The address of a client.
 * @returns The key.
 */
export function clientKey(address: string): string {
  return isIP(address) === 6
    ? expandIPv6(address).split(":").slice(0, 4).join(":")
    : address;
}

function canonical(address: string): string {
  return MAPPED_PATTERN.exec(address)?.[1] ?? address;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [i, network] of networks.entries()) {
    const [address = "", bits, ...rest] = network.split("/");
    const family = isIP(address);
    const bitsMax = family === 4 ? 32 : 128;
    const prefix = bits === undefined
      ? bitsMax
      : /^\d{1,3}$/.test(bits)
      ? Number(bits)
      : NaN;
    if (family === 0 || rest.length > 0 || !(prefix <= bitsMax)) {
      throw new RangeError(
        `Cannot limit clients as 'limits.trustedProxies[${i}]' must be an IP address or a network ` +
          `such as 10.0.0.0/8: current value is ${JSON.stringify(network)}`,
      );
    }
    list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
