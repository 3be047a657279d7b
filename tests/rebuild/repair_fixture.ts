/**
 * A projection with everything that may go wrong in its file, and ways to damage that.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import {
  defineProjection,
  type ErrorPolicy,
  type ProjectionDefinition,
} from "../../mod.ts";

import { sumOfDocument } from "../../src/projections/row_sums.ts";

/** Events of the projection. */
export type NodeEvent =
  | { type: "Named"; data: { id: string; name: string }; tags?: string[] }
  | { type: "Linked"; data: { from: string; to: string } }
  | { type: "Dropped"; data: { id: string } }
  | { type: "Poisoned"; data: { id: string } };

interface Node {
  name: string;
  links: { to: string; name: string | null }[];
}

/** Uses related events, tags, several keys, deletion and failures. */
export function nodesProjection(
  errorPolicy: ErrorPolicy = "stop",
  overrides: Partial<ProjectionDefinition<Node, NodeEvent>> = {},
): ProjectionDefinition<Node, NodeEvent> {
  return defineProjection<Node, NodeEvent>({
    name: "Nodes",
    version: 1,
    eventTypes: ["Named", "Linked", "Dropped", "Poisoned"],
    errorPolicy,
    key: (event) =>
      event.type === "Linked"
        ? [event.data.from, event.data.to]
        : event.data.id,
    related: {
      eventTypes: ["Named"],
      tags: (event) => event.type === "Linked" ? [`id:${event.data.to}`] : [],
    },
    apply(state, event, { key, related }) {
      if (event.type === "Dropped") return undefined;
      if (event.type === "Poisoned") throw new Error("Poison");
      const node = state ?? { name: "", links: [] };
      if (event.type === "Named") return { ...node, name: event.data.name };
      if (key !== event.data.from) return node;
      const target = related.at(-1);
      const name = target?.type === "Named" ? target.data.name : null;
      node.links.push({ to: event.data.to, name });
      return node;
    },
    tags: (state) => state.links.map(({ to }) => `to:${to}`),
    ...overrides,
  });
}

/** As if it were right. */
const FOREIGN = JSON.stringify({ name: "", links: [], sum: 0 });

/** What one does to a file behind everybody's back. */
export type Damage =
  | { readonly kind: "change" | "delete"; readonly at: number }
  | { readonly kind: "foreign" | "orphanTag"; readonly key: string }
  | { readonly kind: "dropTags" };

/** Damages documents in the file of a generation. */
export function damageDocuments(
  file: string,
  damages: readonly Damage[],
): void {
  using database = new DatabaseSync(file);
  for (const damage of damages) {
    const keys = database.prepare("SELECT key FROM documents ORDER BY key")
      .all().map(({ key }) => String(key));
    switch (damage.kind) {
      case "change":
      case "delete": {
        const key = keys[damage.at % keys.length];
        if (key === undefined) break;
        database.prepare(
          damage.kind === "delete"
            ? "DELETE FROM documents WHERE key = ?"
            : "UPDATE documents SET state = replace(state, '\"', '\"x') WHERE key = ?",
        ).run(key);
        break;
      }
      case "foreign":
        database.prepare(
          "INSERT INTO documents (key, state, sum) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        ).run(damage.key, FOREIGN, sumOfDocument(damage.key, FOREIGN));
        break;
      case "orphanTag":
        database.prepare(
          "INSERT INTO document_tags (tag, key) VALUES ('to:nowhere', ?) ON CONFLICT DO NOTHING",
        ).run(damage.key);
        break;
      case "dropTags":
        database.exec("DELETE FROM document_tags");
    }
  }
}

/** Everything that a generation holds. */
export function contentOf(file: string): Record<string, unknown> {
  using database = new DatabaseSync(file, { readOnly: true });
  const all = (sql: string) =>
    database.prepare(sql).all().map((row) => ({ ...row }));
  const hasLetters = database.prepare(
    "SELECT 1 FROM sqlite_master WHERE name = 'dead_letters'",
  ).get() !== undefined;
  return {
    documents: all("SELECT key, state, sum FROM documents ORDER BY key"),
    tags: all("SELECT tag, key FROM document_tags ORDER BY tag, key"),
    related: all("SELECT * FROM related_events ORDER BY position"),
    relatedTags: all("SELECT * FROM related_tags ORDER BY tag, position"),
    meta: all(
      "SELECT name, value FROM meta WHERE name IN ('documents', 'checkpoint', 'damaged') ORDER BY name",
    ),
    letters: hasLetters
      ? all("SELECT position, key, reason FROM dead_letters ORDER BY 1, 2")
      : [],
  };
}
