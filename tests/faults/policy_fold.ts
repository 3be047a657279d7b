/**
 * The plainest fold under an error policy: what the documents of a projection are, and which
 * events it passed over, by what its definition promises and nothing else.
 *
 * @module
 */
import type {
  Position,
  ProjectionDefinition,
  StoredEvent,
  Tag,
} from "../../mod.ts";
import { toText } from "../../src/testing/determinism/plain_fold.ts";

/** What must come out. */
export interface PolicyFold {
  /** JSON texts of documents, by key. */
  readonly documents: ReadonlyMap<string, string>;
  /** `"position key"` of what was passed over; `*` for all keys. */
  readonly passedOver: readonly string[];
}

/**
 * Folds events under the definition's policy.
 *
 * @param definition The projection; `"skip"` or `"quarantine"`.
 * @param events The events from position 1, none of which stops it.
 * @param ordered Positions that an operator ordered to be passed over.
 * @returns What must come out.
 */
export function policyFold(
  definition: ProjectionDefinition,
  events: readonly StoredEvent[],
  ordered: ReadonlySet<Position>,
): PolicyFold {
  const { related, errorPolicy } = definition;
  const documents = new Map<string, string>();
  const kept = new Map<Tag, StoredEvent[]>();
  const passedOver: string[] = [];
  const shut = new Set<string>();
  for (const event of events) {
    const { position, type } = event;
    const applies = definition.eventTypes.includes(type);
    if (applies && ordered.has(position)) passedOver.push(`${position} *`);
    else if (applies) {
      const keys = attempt(() => toKeys(definition.key(event)));
      if (keys === undefined) passedOver.push(`${position} *`);
      for (const key of keys ?? []) {
        if (shut.has(key)) continue;
        const text = documents.get(key);
        const next = attempt(() => {
          const state = text === undefined ? undefined : JSON.parse(text);
          const found = related?.tags(event)
            .flatMap((tag) => kept.get(tag) ?? []) ?? [];
          const byPosition = new Map(found.map((one) => [one.position, one]));
          const result = definition.apply(state, event, {
            key,
            related: [...byPosition.values()]
              .sort((a, b) => a.position - b.position),
          });
          const after = toText(result);
          if (after !== undefined) definition.tags?.(result, key);
          return { text: after };
        });
        if (next === undefined) {
          passedOver.push(`${position} ${key}`);
          if (errorPolicy === "quarantine") shut.add(key);
        } else if (next.text === undefined) documents.delete(key);
        else documents.set(key, next.text);
      }
    }
    if (!related?.eventTypes.includes(type)) continue;
    for (const tag of new Set(event.tags)) {
      kept.set(tag, [...kept.get(tag) ?? [], event]);
    }
  }
  return { documents, passedOver: passedOver.sort() };
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function toKeys(keys: unknown): string[] {
  if (keys === undefined || keys === null) return [];
  const list: string[] = [...new Set(Array.isArray(keys) ? keys : [keys])];
  for (const key of list) {
    if (typeof key !== "string" || key === "" || key.includes("\0")) {
      throw new TypeError("Not a key");
    }
  }
  return list;
}
