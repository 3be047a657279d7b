/**
 * What a fold changed, as it goes into the generation.
 *
 * @module
 */
import type { DefinitionCode } from "./definition_code.ts";
import { type FoldCache, lastEventOf } from "./fold_cache.ts";
import type { DocumentChange } from "./projection_store.ts";

const NO_TAGS: readonly never[] = Object.freeze([]);

/** Documents that are turned into text between two looks at whether to stop. */
const STOP_CHECK_DOCUMENTS = 64;

/**
 * The changed documents in order of key, turned into text only when they are taken. Once they
 * all are, nothing is changed any more.
 *
 * @param cache The documents.
 * @param code The definition's code.
 * @param options Called now and then; what it throws ends the work.
 * @returns The changes.
 * @throws {ProjectionApplyError} If the definition's code fails on a document.
 */
export function* documentChanges(
  cache: FoldCache,
  code: DefinitionCode,
  { throwIfStopped }: { readonly throwIfStopped?: () => void },
): Generator<DocumentChange> {
  // By UTF-16 units, which is quick and all but the order of the file.
  for (const [index, key] of cache.takeDirty().sort().entries()) {
    if (index % STOP_CHECK_DOCUMENTS === 0) throwIfStopped?.();
    const document = cache.documents.get(key);
    if (!document) continue;
    const { state, persistedTags } = document;
    const lastEvent = lastEventOf(document);
    const text = state === undefined
      ? null
      : document.text ?? code.text(state, lastEvent);
    const tags = state === undefined
      ? NO_TAGS
      : code.tags(state, key, lastEvent);
    const change = {
      key,
      text,
      tagsAdded: tags.filter((tag) => !persistedTags.includes(tag)),
      tagsRemoved: persistedTags.filter((tag) => !tags.includes(tag)),
    };
    document.dirty = false;
    document.persistedTags = tags;
    cache.reweigh(key, document, text?.length ?? 0);
    yield change;
  }
}
