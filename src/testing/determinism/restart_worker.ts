/**
 * A thread that folds the projections of a module from stored documents. It loads the module
 * anew: what the module remembers elsewhere is not there.
 *
 * @module
 */
import { freezeEvents } from "../../projections/freeze_events.ts";
import { loadProjections } from "../../projections/registry.ts";
import { plainFold } from "./plain_fold.ts";
import type { ThreadTask } from "./restart.ts";
import type { WayResult, WayResults } from "./ways.ts";

/** Of a worker's global scope, what is used here. */
interface Scope {
  onmessage: (message: { readonly data: ThreadTask }) => Promise<void>;
  postMessage(results: WayResults): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = async ({ data: task }) => {
  const { url, events, after, documents } = task;
  freezeEvents(events);
  const results = new Map<string, WayResult>();
  for (const definition of await loadProjections(url)) {
    const { name } = definition;
    try {
      const before = documents.get(name);
      const folded = plainFold(definition, events, after, before);
      results.set(name, { documents: folded });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      results.set(name, { error: message });
    }
  }
  scope.postMessage(results);
};
