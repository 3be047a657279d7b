/**
 * Whether a history could have come from one store that does one thing at a time: the model is a
 * list of events. The log tells in which order the appends took effect, so that nothing needs to
 * be searched for. That order must agree with what anybody could know:
 *
 * - What was appended, seen or refused for before an operation began, it comes after.
 * - What an operation tells of was asked for before it ended.
 * - A read tells of all matching events up to some position, and of no others. That position is
 *   the end of an append: nobody sees a part of one.
 * - What was said to be stored is where it was said to be.
 * - A refusal names the first event that matches, so that one was there when it was refused.
 *
 * That conditions held at their place in the order is for `checkLog()`.
 *
 * @module
 */
import type { AppendCondition, Position, StoredEvent } from "../../../mod.ts";
import { Matches } from "../matches.ts";
import type { Answer } from "./commands.ts";
import type { History, Operation } from "./history.ts";

/** What was found. */
export interface Findings {
  /** What one store that does one thing at a time would not have done. */
  readonly violations: readonly string[];
  /** Reads that had to wait so long for a process that they were let go with what was known. */
  readonly staleReads: number;
}

/**
 * A reader that cannot have the lock for 100 ms reads what it knows: the holder may be stopped.
 * A little less, as timers and clocks are not one.
 */
const GIVEN_UP_MS = 95;

/**
 * Checks a history against the log that came of it.
 *
 * @param log All events of the store.
 * @param history What was done.
 * @returns What was found.
 */
export function checkHistory(
  log: readonly StoredEvent[],
  history: History,
): Findings {
  const check = new Check(log, history.operations);
  for (const [operation, isEnd] of inOrder(history.operations)) {
    if (isEnd) check.end(operation);
    else check.begin(operation);
  }
  const { violations, staleReads } = check;
  return { violations, staleReads };
}

/** Beginnings and ends in the order in which they were seen. */
function inOrder(
  operations: readonly Operation[],
): (readonly [Operation, boolean])[] {
  const moments: (readonly [Operation, boolean])[] = [];
  for (const operation of operations) {
    const { begun, ended } = operation;
    moments[begun] = [operation, false];
    if (ended !== undefined) moments[ended] = [operation, true];
  }
  return moments;
}

class Check {
  readonly violations: string[] = [];
  staleReads = 0;
  readonly #log: readonly StoredEvent[];
  readonly #matches: Matches;
  /** When each event was asked for, by position. */
  readonly #askedAt: number[] = [];
  /** Where what an operation asked for is. */
  readonly #places = new Map<Operation, Position>();
  /** Where the append ends that holds an event, by position. */
  readonly #ends: Position[] = [];
  /** Up to here the log is known to somebody, and to each process. */
  #known: Position = 0;
  readonly #knownTo = new Map<number, Position>();
  /** What was known when an operation began. */
  readonly #floors = new Map<Operation, readonly [Position, Position]>();

  constructor(log: readonly StoredEvent[], operations: readonly Operation[]) {
    this.#log = log;
    this.#matches = new Matches(log);
    const positions = new Map(log.map(({ id, position }) => [id, position]));
    for (const operation of operations) {
      if (operation.command.do !== "append") continue;
      for (const { id } of operation.command.events) {
        const position = positions.get(id);
        if (position === undefined) continue;
        this.#askedAt[position] = operation.begun;
        if (!this.#places.has(operation)) this.#places.set(operation, position);
      }
      const first = this.#places.get(operation);
      if (first === undefined) continue;
      const end = first + operation.command.events.length - 1;
      for (let at = first; at <= end; at++) this.#ends[at] = end;
    }
  }

  begin(operation: Operation): void {
    const own = this.#knownTo.get(operation.session) ?? 0;
    this.#floors.set(operation, [this.#known, own]);
    const place = this.#places.get(operation);
    // Also of those that were never answered.
    if (place !== undefined && place <= this.#known) {
      this.#fail(operation, `is at ${place}, but ${this.#known} was known`);
    }
  }

  end(operation: Operation): void {
    const { answer, command } = operation;
    switch (answer?.is) {
      case "appended":
        if (command.do === "append") {
          this.#checkPlace(operation, answer.first);
          this.#learn(operation, answer.first + command.events.length - 1);
        }
        break;
      case "refused":
        this.#checkRefusal(operation, answer);
        break;
      case "head":
        this.#checkFresh(operation, answer.ms, answer.head + 1);
        this.#checkWhole(operation, answer.head, answer.head + 1);
        this.#learn(operation, answer.head);
        break;
      case "events":
        this.#checkEvents(operation, answer);
        break;
      default:
        this.#fail(operation, `failed: ${answer?.message}`);
    }
  }

  #checkRefusal(
    operation: Operation,
    answer: Extract<Answer, { is: "refused" }>,
  ): void {
    const condition = operation.command.do === "append"
      ? operation.command.condition
      : undefined;
    if (this.#places.has(operation)) this.#fail(operation, "was stored");
    const first = condition && this.#firstMatch(condition);
    if (first !== answer.foundAt) {
      this.#fail(
        operation,
        `was refused for ${answer.foundAt}: the first to match is ${first}`,
      );
    }
    this.#learn(operation, answer.foundAt);
  }

  #checkEvents(
    operation: Operation,
    { events, ms }: Extract<Answer, { is: "events" }>,
  ): void {
    if (operation.command.do !== "read") return;
    const { query, after } = operation.command;
    let place = after;
    for (const [position, id] of events) {
      const match = this.#matches.next(query, place);
      if (match !== position || this.#log[position - 1]?.id !== id) {
        this.#fail(operation, `saw ${id} at ${position}: ${match} comes next`);
      }
      place = position;
    }
    const missed = this.#matches.next(query, place) ?? Infinity;
    const last = events.at(-1)?.[0] ?? 0;
    this.#checkFresh(operation, ms, missed);
    this.#checkWhole(operation, last, missed);
    this.#learn(operation, last);
  }

  /** What was said to be stored must be there, and nowhere else. */
  #checkPlace(operation: Operation, first: Position): void {
    const place = this.#places.get(operation);
    if (place === first) return;
    this.#fail(operation, `was stored at ${first}, but is at ${place}`);
  }

  /** Some append must end between what is told of and what is missed: none is seen in part. */
  #checkWhole(operation: Operation, last: Position, missed: Position): void {
    const end = last === 0 ? 0 : this.#ends[last] ?? last;
    if (end < missed) return;
    this.#fail(operation, `saw ${last} but not ${missed} of one append`);
  }

  /** What is not told of must not have been known. */
  #checkFresh(operation: Operation, ms: number, missed: Position): void {
    const [known, knownToItself] = this.#floors.get(operation) ?? [0, 0];
    const hasGivenUp = ms >= GIVEN_UP_MS;
    const floor = hasGivenUp ? knownToItself : known;
    if (missed <= floor) {
      this.#fail(operation, `missed ${missed}, but ${floor} was known`);
    }
    if (hasGivenUp && missed <= known) this.staleReads++;
  }

  /** Takes note of what an operation tells of, which must have been asked for. */
  #learn(operation: Operation, position: Position): void {
    const { session, ended = 0 } = operation;
    const asked = this.#askedAt[position] ?? Infinity;
    if (position > 0 && asked > ended) {
      this.#fail(operation, `tells of ${position}, which nobody asked for yet`);
    }
    this.#known = Math.max(this.#known, position);
    const own = this.#knownTo.get(session) ?? 0;
    this.#knownTo.set(session, Math.max(own, position));
  }

  #firstMatch(
    { failIfEventsMatch, after = 0 }: AppendCondition,
  ): Position | undefined {
    return this.#matches.next(failIfEventsMatch, after);
  }

  #fail({ session, command, begun }: Operation, what: string): void {
    const said = JSON.stringify(command);
    this.violations.push(`${begun}, process ${session}: ${said} ${what}`);
  }
}
