/**
 * A folder for one test.
 *
 * @module
 */

/** A folder that is deleted, with all in it, when disposed. */
export class TempDir implements Disposable {
  /** Its absolute path. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "opossum_test_" });

  /** The path of a file in it. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Names in it, or in a folder in it, sorted. */
  list(folder = "."): string[] {
    return [...Deno.readDirSync(this.file(folder))].map(({ name }) => name)
      .sort();
  }

  /** Deletes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
