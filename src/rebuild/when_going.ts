/**
 * Waiting for tasks that are paused. Of several that share a pass, one that is paused holds it up,
 * and one that is stopped does not wait for the others.
 *
 * @module
 */
import type { BuildTask } from "./build_task.ts";

/**
 * Waits while any of the tasks is paused.
 *
 * @param tasks Those that share a pass.
 * @param end Ends one that was stopped, at once.
 */
export async function whenAllGo(
  tasks: readonly BuildTask[],
  end: (task: BuildTask) => Promise<void>,
): Promise<void> {
  for (;;) {
    const going = tasks.filter(({ hasEnded }) => !hasEnded);
    const stopped = going.filter(({ signal }) => signal.aborted);
    for (const task of stopped) await end(task);
    if (stopped.length > 0) continue;
    if (!going.some(({ isPaused }) => isPaused)) return;
    await whenChanged(going);
  }
}

/**
 * Waits while a task is paused, and is not to stop.
 *
 * @param task The task.
 */
export async function whenGoing(task: BuildTask): Promise<void> {
  while (task.isPaused && !task.signal.aborted) await whenChanged([task]);
}

/** Resolves when one of them is paused, goes on, or is to stop. */
async function whenChanged(tasks: readonly BuildTask[]): Promise<void> {
  using listening = new DisposableStack();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  for (const task of tasks) {
    listening.use(task.onPause(resolve));
    task.signal.addEventListener("abort", stop, { once: true });
    listening.defer(() => task.signal.removeEventListener("abort", stop));
  }
  await promise;
}
