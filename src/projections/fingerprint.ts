/**
 * Fingerprints: whether a generation was built by the definition that is registered now.
 *
 * @module
 */
import type { BuildIdentity } from "./projection_store.ts";
import { createHash } from "node:crypto";
import type { ProjectionDefinition } from "./definition.ts";

/**
 * The fingerprint of a definition: its own one, or a hash of its event types and of the code of
 * its functions. Code that the functions call elsewhere is not seen: raise `version` then.
 *
 * The policy for failures is part of it, as other events are passed over under another one.
 *
 * @param definition The projection.
 * @returns At most 139 characters.
 */
export function fingerprintOf(definition: ProjectionDefinition): string {
  const { errorPolicy = "stop" } = definition;
  const own = definition.fingerprint ?? hashOf(definition);
  return errorPolicy === "stop" ? own : `${own}+${errorPolicy}`;
}

function hashOf(definition: ProjectionDefinition): string {
  const { key, apply, tags, related, eventTypes } = definition;
  const parts = [key, apply, tags, related?.tags].map((code) => String(code));
  const types = [eventTypes, related?.eventTypes ?? []];
  const text = JSON.stringify([parts, types]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** What tells a definition from others of its name. */
type DefinitionMark = Pick<BuildIdentity, "version" | "fingerprint">;

/**
 * Whether two marks are of the same definition.
 *
 * @param one The one.
 * @param other The other.
 * @returns Whether they are.
 */
export function isSameDefinition(
  one: DefinitionMark,
  other: DefinitionMark,
): boolean {
  return one.version === other.version && one.fingerprint === other.fingerprint;
}
