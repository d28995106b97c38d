/** Something from the API, its absence while it loads, or why it cannot be had. */

import { useCallback, useEffect, useState } from "react";
import { ApiError } from "../api/client";

export interface Loaded<T> {
  readonly value: T | null;
  readonly failure: string | null;
  readonly signIn: boolean;
  readonly reload: () => void;
}

/** `load` must stay the same function while what it loads does. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let gone = false;
    load().then(
      (loaded) => {
        if (gone) return;
        setValue(loaded);
        setError(null);
      },
      (reason: unknown) => !gone && setError(reason),
    );
    return () => {
      gone = true;
    };
  }, [load, round]);
  const failure = error === null ? null : error instanceof Error ? error.message : String(error);
  return { value, failure, signIn: error instanceof ApiError && error.status === 401, reload: useCallback(() => setRound((n) => n + 1), []) };
}
