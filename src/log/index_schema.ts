/**
 * The tables of the index file.
 *
 * @module
 */

/**
 * - `meta`: one row. `through`: the last position indexed; `frame`, `segment`, `offset` and `crc`
 *   tell the frame that holds it, by which another log is recognised. `checksum`: over these, as
 *   they are evidence against the log when that turns out shorter. `slice`: see `SLICES`.
 * - `types`, `typed`: the types with their number of events, and the positions of each.
 * - `sums`, `types.sum`: by which a lost row is noticed; see `index_sums.ts`.
 * - `tags`, `recent_tags`: the positions of each tag, by its hash. Each is in one of the two.
 * - `frames`: where some frames begin, by their first position.
 */
export const INDEX_SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  format INTEGER NOT NULL,
  store TEXT NOT NULL,
  through INTEGER NOT NULL,
  frame INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  slice INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS types (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL UNIQUE,
  count INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sums (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tags BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  types INTEGER NOT NULL,
  types_checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS typed (
  type INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (type, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
  tag INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recent_tags (
  tag INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frames (
  first INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  offset INTEGER NOT NULL
) STRICT;
`;
