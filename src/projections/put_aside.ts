/**
 * Puts events aside for a group of projections, by their keys: without parsing them where the
 * keys can be guessed.
 *
 * @module
 */
import type { StoredEvent } from "../events/event.ts";
import type { UnparsedEvent } from "../events/event_store.ts";
import { EventSpill, type SpillMask } from "./event_spill.ts";
import type { Fold } from "./fold.ts";
import { readField } from "./key_guess.ts";

/** More projections would not find place in a {@linkcode SpillMask}. */
export const GROUP_SIZE_MAX = 30;

/** Set in the mask of an event that was put aside by guessed keys. */
export const GUESSED: SpillMask = 1 << GROUP_SIZE_MAX;

/** A projection of the group, and its place in masks. */
export interface Place {
  readonly fold: Fold;
  readonly bit: SpillMask;
}

/** Those who share a guess which field is an event's key. */
export interface GuessedPlaces {
  readonly field: string;
  readonly places: readonly Place[];
}

/** The guesses for a type of event; none unless every projection that wants it has one. */
export function guessPlaces(
  type: string,
  route: readonly Place[],
): readonly GuessedPlaces[] {
  const byField = new Map<string, Place[]>();
  for (const place of route) {
    const field = place.fold.guessOf(type);
    if (field === undefined || place.fold.keeps(type)) return [];
    byField.set(field, [...byField.get(field) ?? [], place]);
  }
  return [...byField].map(([field, places]) => ({ field, places }));
}

/** Puts an event aside by its guessed keys; `false` if they cannot be read. */
export function putAsideUnparsed(
  unparsed: UnparsedEvent,
  guess: readonly GuessedPlaces[] | undefined,
  spill: EventSpill,
): boolean {
  if (!guess) return false;
  const { text } = unparsed;
  const [first, ...others] = guess;
  if (first === undefined) return false;
  const key = readField(text, first.field);
  if (key === undefined) return false;
  if (others.length === 0) {
    // All of them have the same key, as projections of one group mostly do.
    const mask = maskOf(first, unparsed);
    if (mask !== 0) spill.add(EventSpill.partOf(key), mask, text);
    return true;
  }
  const keys = guess.map(({ field }) => readField(text, field));
  if (keys.includes(undefined)) return false;
  const masks = new Map<number, SpillMask>();
  for (const [index, guessed] of guess.entries()) {
    const part = EventSpill.partOf(keys[index] ?? "");
    masks.set(part, (masks.get(part) ?? 0) | maskOf(guessed, unparsed));
  }
  for (const [part, mask] of masks) {
    if (mask !== 0) spill.add(part, mask, text);
  }
  return true;
}

/** For whom an event is put aside, of those who share a guess. */
function maskOf({ places }: GuessedPlaces, event: UnparsedEvent): SpillMask {
  let mask: SpillMask = 0;
  for (const { fold, bit } of places) {
    if (fold.guessed(event)) mask |= bit | GUESSED;
  }
  return mask;
}

/** What is put aside, and for whom. */
export interface PutAside<P extends Place> {
  readonly unparsed: UnparsedEvent;
  /** The same event, frozen. */
  readonly event: StoredEvent;
  readonly route: readonly P[];
  readonly spill: EventSpill;
  /** Takes those whose code fails on it. */
  readonly failures: Map<P, unknown>;
}

/** Puts an event aside: once in each part that holds one of its keys. */
export function putAside<P extends Place>(
  { unparsed, event, route, spill, failures }: PutAside<P>,
): void {
  const { type } = event;
  let lastKey: string | undefined;
  let firstPart = -1;
  let firstMask: SpillMask = 0;
  let more: Map<number, SpillMask> | undefined;
  let part = -1;
  for (const place of route) {
    const { fold, bit } = place;
    if (failures.has(place)) continue;
    try {
      if (fold.applies(type)) {
        for (const key of fold.keysOf(event)) {
          // Projections of one group often have the same keys.
          if (key !== lastKey) part = EventSpill.partOf(key);
          lastKey = key;
          if (firstPart < 0) firstPart = part;
          if (part === firstPart) firstMask |= bit;
          else {
            more ??= new Map();
            more.set(part, (more.get(part) ?? 0) | bit);
          }
        }
      }
      if (fold.keeps(type)) fold.keep(event, unparsed.text);
    } catch (error) {
      failures.set(place, error);
    }
  }
  // An event that was parsed before is turned into text with each look at it.
  if (firstMask === 0) return;
  const { text } = unparsed;
  spill.add(firstPart, firstMask, text);
  for (const [part, mask] of more ?? []) spill.add(part, mask, text);
}
