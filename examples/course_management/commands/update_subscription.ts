/**
 * Changing a student's subscription: never to a tier that allows fewer courses than the student
 * is enrolled in.
 *
 * @module
 */
import { decide, type EventStore, type Position } from "@opossum/deno";
import { studentPlan } from "../decision_models.ts";
import { CommandRefusedError, EntityNotFoundError } from "../errors.ts";
import { studentSubscriptionUpdated } from "../events.ts";
import { COURSE_LIMITS, type Tier } from "../tiers.ts";

/** The new subscription of a student. */
export interface UpdateSubscription {
  readonly studentId: string;
  readonly tier: Tier;
}

/**
 * Changes a student's subscription.
 *
 * @param store Where to record it.
 * @param command Who, and to which tier.
 * @param options `signal` gives up before anything is recorded.
 * @returns The position of the event, or `undefined` when the student has that tier already.
 * @throws {EntityNotFoundError} If there is no such student.
 * @throws {CommandRefusedError} If the student is enrolled in more courses than the tier allows.
 */
export async function updateSubscription(
  store: EventStore,
  command: UpdateSubscription,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Position | undefined> {
  const { studentId, tier } = command;
  const { appended } = await decide(store, studentPlan(studentId), (plan) => {
    if (plan === undefined) {
      throw new EntityNotFoundError("student", studentId);
    }
    if (plan.enrolledCourses > COURSE_LIMITS[tier]) {
      throw new CommandRefusedError(
        "tier-limit-below-enrolment",
        `Cannot change the subscription to ${tier}, which allows ` +
          `${COURSE_LIMITS[tier]} courses, as the student is enrolled in ` +
          `more: ${plan.enrolledCourses}`,
      );
    }
    if (plan.tier === tier) return [];
    return [studentSubscriptionUpdated({ studentId, tier })];
  }, options);
  return appended?.last;
}
