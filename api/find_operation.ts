/**
 * Finding the operation that a path names.
 *
 * @module
 */
import {
  type Opossum,
  type RebuildOperation,
  UnknownOperationError,
} from "../mod.ts";

/**
 * Finds an operation, running or ended.
 *
 * @param opossum Where to look.
 * @param id Its id.
 * @returns The operation.
 * @throws {UnknownOperationError} If there is none of that id.
 */
export async function findOperation(
  { rebuilder }: Opossum,
  id: string,
): Promise<RebuildOperation> {
  const operation = await rebuilder.getOperation(id);
  if (operation !== undefined) return operation;
  throw new UnknownOperationError(id);
}
