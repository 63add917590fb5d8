// Keys as they are called on this computer. It must not know what they do.

import styles from "./Kbd.module.css";
import { isApple, keyNames } from "./keys.ts";

/** `keys` such as "Mod+Shift+J": Mod is Command on Apple's computers, else Ctrl. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <kbd className={styles.keys}>
      {keyNames(keys, isApple()).map((name) => (
        <kbd key={name} className={styles.key}>
          {name}
        </kbd>
      ))}
    </kbd>
  );
}
