/**
 * Events that a projection passes over: under its policy, since its code fails on them, or by an
 * operator's order. What is passed over follows from the definition, the events and the orders
 * alone, whatever the batches, so that a rebuild comes to the same documents as live updates.
 *
 * For that a failure is decided on after each event and for each document by itself: one that
 * shows only when a document is stored would depend on where a batch ends, and one document's
 * failure must not depend on which others are folded beside it.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type { Logger } from "../telemetry/logger.ts";
import type {
  ApplyContext,
  ErrorPolicy,
  ProjectionDefinition,
} from "./definition.ts";
import type { ApplyLocation, DefinitionCode } from "./definition_code.ts";
import { ProjectionApplyError, SuspectedEventError } from "./errors.ts";
import type { CachedDocument } from "./fold_cache.ts";
import type { DeadLetterChange, Generation } from "./projection_store.ts";

/**
 * Under a policy that passes events over, a failure counts when it comes so often in a row: what
 * fails once in a while is no property of an event, and a rebuild would decide otherwise.
 */
export const ATTEMPTS = 3;

const MESSAGE_UNITS_MAX = 1_000;
const LETTERS_MAX = 100;

/** The events that one fold passes over. */
export class DeadLetters {
  readonly #definition: ProjectionDefinition;
  readonly #generation: Generation;
  readonly #policy: ErrorPolicy;
  readonly #quarantined = new Set<string>();
  #skips: ReadonlySet<Position> = new Set();
  #suspects: ReadonlySet<Position> = new Set();
  #failures = 0;
  #unwritten: DeadLetterChange[] = [];
  readonly #untold: DeadLetterChange[] = [];
  #loaded = false;

  /**
   * @param definition The projection.
   * @param generation Where they are recorded.
   */
  constructor(definition: ProjectionDefinition, generation: Generation) {
    this.#definition = definition;
    this.#generation = generation;
    this.#policy = definition.errorPolicy ?? "stop";
  }

  /** Whether failures are decided on after each event, and may be passed over. */
  get isCareful(): boolean {
    return this.#policy !== "stop";
  }

  /** Reads what was decided so far, the first time. Before any event is looked at. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    const { skips, suspects } = await this.#generation.orders();
    this.#skips = new Set(skips);
    this.#suspects = new Set(suspects);
    if (this.isCareful) {
      for (const { key, reason } of await this.#generation.deadLetters()) {
        if (reason !== "failed") continue;
        this.#failures++;
        if (this.#policy === "quarantine" && key) this.#quarantined.add(key);
      }
    }
    this.#loaded = true;
  }

  /**
   * Whether an event is passed over by order; takes note of it then.
   *
   * @param event The event.
   * @throws {ProjectionApplyError} If the event is suspected to have ended a process.
   */
  passesOver({ position, type: eventType }: ApplyLocation): boolean {
    if (this.#skips.has(position)) {
      const message = "An operator ordered it";
      const letter = { position, eventType, key: null, message };
      this.#unwritten.push({ ...letter, reason: "ordered" });
      return true;
    }
    // When nobody knew at which event it was, the next one takes the blame.
    if (this.#suspects.has(position) || this.#suspects.has(0)) {
      throw new ProjectionApplyError(
        this.#definition.name,
        { position, type: eventType },
        { cause: new SuspectedEventError() },
      );
    }
    return false;
  }

  /** Whether a document takes no more events. */
  isQuarantined(key: string): boolean {
    return this.#quarantined.has(key);
  }

  /**
   * Passes an event over that the code failed on.
   *
   * @param error How.
   * @param event Which event.
   * @param key For which document; `null` if that cannot be told.
   * @throws {ProjectionApplyError} If the policy is to stop, here or by now.
   */
  add(
    error: ProjectionApplyError,
    { position, type: eventType }: StoredEvent,
    key: string | null,
  ): void {
    const { name, deadLettersMax = LETTERS_MAX } = this.#definition;
    const isUnplaced = this.#policy === "quarantine" && key === null;
    if (!this.isCareful || isUnplaced) throw error;
    const { cause, event } = error;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (this.#failures >= deadLettersMax) {
      throw new ProjectionApplyError(name, event, {
        cause: new RangeError(
          `More than ${deadLettersMax} dead letters: ${message}`,
          { cause },
        ),
      });
    }
    this.#failures++;
    if (this.#policy === "quarantine" && key) this.#quarantined.add(key);
    this.#unwritten.push({
      position,
      eventType,
      key,
      message: message.slice(0, MESSAGE_UNITS_MAX),
      reason: "failed",
    });
  }

  /** What is to be recorded with the next commit. */
  takeUnwritten(): readonly DeadLetterChange[] {
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    this.#untold.push(...unwritten);
    return unwritten;
  }

  /** Says what was recorded since then. After a commit. */
  tell(logger: Logger): void {
    const { name: projection } = this.#definition;
    for (const letter of this.#untold.splice(0)) {
      const { position, eventType, reason, message: error } = letter;
      logger.log("warn", "Projection passed over an event", {
        projection,
        position,
        eventType,
        reason,
        error,
      });
    }
  }
}

/**
 * Applies an event to a document, including what would else show when that is stored. If it
 * fails, the document is what it was before, however far the code had changed it in place.
 *
 * @param code The definition's code.
 * @param document The document; its text is kept.
 * @param event The event.
 * @param context What goes with it.
 * @throws {ProjectionApplyError} If it fails.
 */
export function applyCarefully(
  code: DefinitionCode,
  document: CachedDocument,
  event: StoredEvent,
  context: ApplyContext,
): void {
  const { text: before } = document;
  for (let attempt = 1;; attempt++) {
    try {
      const state = code.apply(document.state, event, context);
      const text = state === undefined ? undefined : code.text(state, event);
      if (state !== undefined) code.tags(state, context.key, event);
      document.state = state;
      document.text = text;
      return;
    } catch (error) {
      document.state = before === undefined ? undefined : JSON.parse(before);
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Whether a generation has applied events that are by now ordered to be passed over. */
export async function missesSkips(generation: Generation): Promise<boolean> {
  const { skips } = await generation.orders();
  if (skips.length === 0) return false;
  const { checkpoint } = await generation.status();
  // One that was passed over as it failed may have gone into other documents.
  const passedOver = new Set(
    (await generation.deadLetters())
      .filter(({ reason }) => reason === "ordered")
      .map(({ position }) => position),
  );
  return skips.some((position) =>
    position <= checkpoint && !passedOver.has(position)
  );
}
