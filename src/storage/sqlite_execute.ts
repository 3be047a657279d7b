/**
 * Running SQL so that what fails can be told apart.
 *
 * @module
 */
import type { Database } from "./file_system.ts";

/**
 * Runs statements one by one. The runtime's own `exec()` throws errors that lack SQLite's code:
 * a database that is in use, or a full disk, would be taken for a damaged file.
 *
 * @param database The database.
 * @param sql Statements, with semicolons between them and nowhere else.
 * @throws What SQLite finds wrong, with its `errcode`.
 */
export function execute(
  database: Pick<Database, "prepare">,
  sql: string,
): void {
  for (const statement of sql.split(";")) {
    if (statement.trim() !== "") database.prepare(statement).run();
  }
}
