import { assert, assertEquals } from "@std/assert";
import { checkVerdict, damagesOf, openLogTemplate } from "./damaged_log.ts";
import { scale } from "./random.ts";

/** At every so many bytes: 1 tries all of them. */
const STEP = scale("OPOSSUM_TEST_BYTE_STEP", 211);

/** Also smaller than those of disks: more ways to meet the borders of frames. */
const SECTOR_SIZES = STEP === 1 ? [512, 128, 32] : [256];

const CASES = [
  { name: "of one segment that a crash left", closed: false, segments: 1 },
  { name: "whose second segment a crash left", closed: false, segments: 2 },
  { name: "that was closed, and is indexed", closed: true, segments: 1 },
] as const;

for (const { name, closed, segments } of CASES) {
  Deno.test(`a log ${name} is cut where nobody was told that it is stored, and refused where somebody was`, async () => {
    await using template = await openLogTemplate({ closed, segments });
    const proven = closed ? await headOf(template.folder) : 0;
    const counts = { whole: 0, cut: 0, refuse: 0 };
    for (const [index, sectorBytes] of SECTOR_SIZES.entries()) {
      // Bytes and lengths are the same for all sizes of sectors.
      const step = index === 0 ? STEP : template.whole.length;
      for (
        const { what, bytes } of damagesOf(template.whole, step, sectorBytes)
      ) {
        try {
          counts[await checkVerdict(template, bytes, proven)]++;
        } catch (error) {
          throw new Error(`Judged wrongly: ${what}`, { cause: error });
        }
      }
    }
    // Each verdict was given: a rule that never applies proves nothing.
    assert(counts.refuse > 0);
    assertEquals(counts.cut > 0, !closed);
  });
}

async function headOf(
  folder: Awaited<ReturnType<typeof openLogTemplate>>["folder"],
): Promise<number> {
  return await folder.with((store) => store.head());
}
