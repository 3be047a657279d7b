/**
 * What is known of single events of a projection beyond the log, in files beside its generations,
 * so that it outlasts them:
 *
 * ```
 * skips.json      events that an operator ordered to be passed over
 * suspect.json    events whose code is suspected to have ended a process
 * ```
 *
 * Both hold for one definition: when its version or fingerprint changes, its code is tried on
 * those events again. So documents follow from the log, the definition and these orders.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { atomicReplace, readTextIfExists } from "../storage/atomic_replace.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { BuildIdentity, EventOrders } from "./projection_store.ts";
import { asUnusable } from "./unusable_files.ts";

const SKIPS = "skips.json";
const SUSPECT = "suspect.json";

/** The part of an identity that orders hold for. */
type OrderIdentity = Pick<BuildIdentity, "projectionName" | "version"> & {
  readonly fingerprint: string;
};

interface Order extends Omit<OrderIdentity, "projectionName"> {
  readonly position: Position;
  /** When it was given, ISO 8601. */
  readonly at: string;
}

/** Where the orders of all projections are kept. */
export interface EventOrderStoreOptions {
  readonly fileSystem: FileSystem;
  /** The folder of all projections. */
  readonly directory: string;
  /** Stamps the orders. */
  readonly clock: Clock;
}

/** Where orders are kept. */
export interface OrderFolder {
  readonly fileSystem: FileSystem;
  /** The projection's folder. */
  readonly directory: string;
}

/**
 * Reads what is ordered for a definition.
 *
 * @param folder Where.
 * @param identity The definition.
 * @returns The orders.
 * @throws {ProjectionDamagedError} If a file is not what was written: to go on without it would
 * apply what an operator ordered to pass over.
 * @throws {ProjectionUnavailableError} If one cannot be read now.
 */
export function readOrders(
  folder: OrderFolder,
  identity: OrderIdentity,
): EventOrders {
  const { projectionName } = identity;
  const isSame = ({ version, fingerprint }: Order) =>
    version === identity.version && fingerprint === identity.fingerprint;
  const skips = readList(folder, SKIPS, projectionName).filter(isSame);
  const suspects = readList(folder, SUSPECT, projectionName).filter(isSame);
  return {
    skips: skips.map(({ position }) => position),
    suspects: suspects.map(({ position }) => position),
  };
}

/**
 * Takes note, durably, of the event whose code may be about to end the process.
 *
 * @param folder Where.
 * @param identity The definition.
 * @param order The event's position, 0 if it is not known, and the time, ISO 8601.
 */
export async function addSuspect(
  folder: OrderFolder,
  { projectionName, version, fingerprint }: OrderIdentity,
  order: Pick<Order, "position" | "at">,
): Promise<void> {
  const others = readList(folder, SUSPECT, projectionName)
    .filter(({ position }) => position !== order.position);
  const list = [...others, { ...order, version, fingerprint }];
  await writeList(folder, SUSPECT, list);
}

/**
 * Takes that note back: the code returned.
 *
 * @param folder Where.
 * @param projectionName The projection.
 * @param position The event's position, 0 if it was not known.
 */
export async function removeSuspect(
  folder: OrderFolder,
  projectionName: string,
  position: Position,
): Promise<void> {
  const list = readList(folder, SUSPECT, projectionName)
    .filter((order) => order.position !== position);
  if (list.length > 0) await writeList(folder, SUSPECT, list);
  else await clearSuspects(folder);
}

async function writeList(
  { fileSystem, directory }: OrderFolder,
  fileName: string,
  list: readonly Order[],
): Promise<void> {
  const path = join(directory, fileName);
  await atomicReplace(fileSystem, path, `${JSON.stringify(list)}\n`);
}

/** Changes the orders of the projections of one store. */
export class EventOrderStore {
  readonly #options: EventOrderStoreOptions;

  /** @param options Where, and what time it is. */
  constructor(options: EventOrderStoreOptions) {
    this.#options = options;
  }

  /**
   * Orders an event to be passed over, durably. Call it with the live lock held.
   *
   * @param identity The definition.
   * @param position The event.
   */
  async addSkip(identity: OrderIdentity, position: Position): Promise<void> {
    const { projectionName, version, fingerprint } = identity;
    const folder = this.#folder(projectionName);
    const at = this.#options.clock.now().toISOString();
    const before = readList(folder, SKIPS, projectionName);
    const list = [...before, { position, version, fingerprint, at }];
    await writeList(folder, SKIPS, list);
  }

  /** Forgets, durably, which events of a projection are suspected. */
  async clearSuspects(name: string): Promise<void> {
    await clearSuspects(this.#folder(name));
  }

  #folder(name: string): OrderFolder {
    const { fileSystem, directory } = this.#options;
    return { fileSystem, directory: join(directory, name) };
  }
}

async function clearSuspects(
  { fileSystem, directory }: OrderFolder,
): Promise<void> {
  const path = join(directory, SUSPECT);
  if (fileSystem.stat(path) === undefined) return;
  fileSystem.remove(path);
  await fileSystem.syncDirectory(directory);
}

function readList(
  { fileSystem, directory }: OrderFolder,
  fileName: string,
  projectionName: string,
): Order[] {
  const path = join(directory, fileName);
  try {
    const text = readTextIfExists(fileSystem, path);
    if (text === undefined) return [];
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list) || !list.every(isOrder)) {
      throw new SyntaxError("No list of orders");
    }
    return list;
  } catch (cause) {
    const file = `projections/${projectionName}/${fileName}`;
    throw asUnusable(projectionName, file, cause);
  }
}

function isOrder(value: unknown): value is Order {
  const { position, version, fingerprint, at } = Object(value);
  return Number.isSafeInteger(position) && position >= 0 &&
    Number.isSafeInteger(version) && typeof fingerprint === "string" &&
    typeof at === "string";
}
