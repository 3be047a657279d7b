/**
 * Subscription tiers: how many courses a student may be enrolled in.
 *
 * | tier         | courses |
 * | ------------ | ------- |
 * | Basic        | 2       |
 * | Standard     | 5       |
 * | Professional | 10      |
 * | Master       | 25      |
 *
 * @module
 */

/** Courses that a student may be enrolled in at most, by tier, from the least. */
export const COURSE_LIMITS = {
  Basic: 2,
  Standard: 5,
  Professional: 10,
  Master: 25,
} as const;

/** A subscription tier. */
export type Tier = keyof typeof COURSE_LIMITS;

/** The tiers, from the least. */
export const TIERS = ["Basic", "Standard", "Professional", "Master"] as const;

/** The tier of a student who has not changed it. */
export const INITIAL_TIER: Tier = "Basic";
