/**
 * Lending several builds to someone who writes to them in another thread.
 *
 * @module
 */
import type {
  Build,
  GenerationLocation,
} from "../projections/projection_store.ts";

/**
 * Lends all builds at once.
 *
 * @param members Whose builds.
 * @param action Gets where they are, in the same order.
 * @param locations Of those lent before. @default {none}
 * @returns What the action returned.
 */
export async function lendAll<T>(
  members: readonly { readonly build: Build }[],
  action: (locations: readonly GenerationLocation[]) => Promise<T>,
  locations: readonly GenerationLocation[] = [],
): Promise<T> {
  const [first, ...others] = members;
  if (!first) return await action(locations);
  return await first.build.lend((location) =>
    lendAll(others, action, [...locations, location])
  );
}
