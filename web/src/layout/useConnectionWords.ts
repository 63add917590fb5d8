// The state of the connection in words that count down by the second. It must not know where they are shown.

import { useEffect, useState } from "react";
import { useConnection } from "../workspace/hooks.tsx";
import { type ConnectionWords, connectionWords } from "./connectionWords.ts";

export function useConnectionWords(): ConnectionWords {
  const connection = useConnection();
  const [, tick] = useState(0);
  const counts = connection.state === "lost";
  useEffect(() => {
    if (!counts) return;
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, [counts]);
  return connectionWords(connection, Date.now());
}
