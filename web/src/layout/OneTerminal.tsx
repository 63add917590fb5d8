// The page of who may see one terminal only: the terminal. It must not know how terminals work.

import { Stand, TerminalView } from "./features.tsx";
import { Header } from "./Header.tsx";
import styles from "./OneTerminal.module.css";
import { regionId } from "./regions.ts";
import { StatusBar } from "./StatusBar.tsx";

export function OneTerminal({ terminalId }: { terminalId: string }) {
  return (
    <>
      <Header bare />
      <main id={regionId("terminals")} tabIndex={-1} className={styles.main}>
        <Stand name="The terminal">
          <TerminalView terminalId={terminalId} autoFocus />
        </Stand>
      </main>
      <StatusBar />
    </>
  );
}
