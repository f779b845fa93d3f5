/** Waits before the nth try, from 0: twice as long each time up to 15 s, and never all clients at once. */
export function backOff(n: number): number {
  return Math.min(100 * 2 ** n, 15_000) * (0.5 + Math.random() / 2);
}

/** Calls back when one of the signals is aborted, at once if it is already. The function that it returns ends that. */
export function onAbort(call: () => void, ...signals: (AbortSignal | undefined)[]): () => void {
  signals.forEach((signal) => signal?.addEventListener('abort', call));
  if (signals.some((signal) => signal?.aborted)) {
    call();
  }
  return () => signals.forEach((signal) => signal?.removeEventListener('abort', call));
}

/** Waits some milliseconds, or until the signal is aborted. */
export async function sleep(duration: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, duration);
    stop = onAbort(resolve, signal);
  });
  clearTimeout(timer);
  stop!();
}
