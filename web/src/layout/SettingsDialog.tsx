// What a person may set, in one dialog. It must not know what the settings change.

import type { ReactNode } from "react";
import { setRemembered, useAuth } from "../sign-in/auth.ts";
import { changeTerminalSettings, useTerminalSettings } from "../terminal/settings.ts";
import { cx, Dialog, Select, Switch, THEME_LABELS, THEME_NAMES } from "../ui/index.ts";
import { isApple } from "../ui/keys.ts";
import { NotificationSettings } from "./NotificationSettings.tsx";
import styles from "./SettingsDialog.module.css";
import { changeSettings, useSettings } from "./settings.ts";
import { FONT_SIZE_MAX, FONT_SIZE_MIN } from "./settingsState.ts";

export function SettingsDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()} title="Settings" width="medium">
      <Section title="Theme">
        <Themes />
      </Section>
      <Section title="Chat">
        <SendKeySetting />
      </Section>
      <Section title="Terminals">
        <TerminalSettings />
      </Section>
      <Section title="Notifications">
        <NotificationSettings />
      </Section>
      <Section title="This browser">
        <Remember />
      </Section>
    </Dialog>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h3 className={styles.heading}>{title}</h3>
      <div className={styles.rows}>{children}</div>
    </section>
  );
}

function Themes() {
  const chosen = useSettings((settings) => settings.theme);
  return (
    <div role="radiogroup" aria-label="Theme" className={styles.themes}>
      {(["system", ...THEME_NAMES] as const).map((theme) => (
        <label key={theme} className={cx(styles.theme, chosen === theme && styles.chosen)}>
          <input
            type="radio"
            name="theme"
            value={theme}
            checked={chosen === theme}
            onChange={() => changeSettings({ theme })}
            className="visually-hidden"
          />
          <span className={styles.swatches} aria-hidden>
            {theme === "system" ? (
              <>
                <Swatch theme="dark" />
                <Swatch theme="light" />
              </>
            ) : (
              <Swatch theme={theme} />
            )}
          </span>
          {THEME_LABELS[theme]}
        </label>
      ))}
    </div>
  );
}

/** A little of the page in the theme: the tokens hold below any element that names one. */
function Swatch({ theme }: { theme: string }) {
  return (
    <span className={styles.swatch} data-theme={theme}>
      <span className={styles.swatchText}>Aa</span>
      <span className={styles.swatchDot} />
    </span>
  );
}

function SendKeySetting() {
  const mod = isApple() ? "⌘" : "Ctrl";
  return (
    <Select
      label="Send a message with"
      value={useSettings((settings) => settings.sendKey)}
      options={[
        { value: "enter", label: "Enter", hint: "Shift+Enter makes a new line." },
        { value: "mod-enter", label: `${mod}+Enter`, hint: "Enter makes a new line." },
      ]}
      onChange={(sendKey) => changeSettings({ sendKey })}
    />
  );
}

const FONT_SIZES = [FONT_SIZE_MIN, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 28, FONT_SIZE_MAX];

function TerminalSettings() {
  const { terminalFontSize, bell, screenReader } = useSettings();
  const { copyOnSelect, cursorBlink } = useTerminalSettings();
  const sizes = [...new Set([...FONT_SIZES, terminalFontSize])].sort((a, b) => a - b);
  return (
    <>
      <div className={styles.pair}>
        <Select
          label="Font size"
          value={String(terminalFontSize)}
          options={sizes.map((size) => ({ value: String(size), label: `${size} px` }))}
          onChange={(size) => changeSettings({ terminalFontSize: Number(size) })}
        />
        <Select
          label="When the bell rings"
          value={bell}
          options={[
            { value: "flash", label: "Flash" },
            { value: "sound", label: "Sound" },
            { value: "none", label: "Only mark the tab" },
          ]}
          onChange={(next) => changeSettings({ bell: next })}
        />
      </div>
      <Switch
        label="Copy what is selected"
        checked={copyOnSelect}
        onChange={(next) => changeTerminalSettings({ copyOnSelect: next })}
      />
      <Switch
        label="Blinking cursor"
        checked={cursorBlink}
        onChange={(next) => changeTerminalSettings({ cursorBlink: next })}
      />
      <Switch
        label="Screen-reader mode"
        hint="Output is read out, and can be walked through. Costs some speed."
        checked={screenReader}
        onChange={(next) => changeSettings({ screenReader: next })}
      />
    </>
  );
}

function Remember() {
  const auth = useAuth();
  if (auth.state !== "in") return null;
  return (
    <Switch
      label="Stay signed in on this computer"
      hint={auth.remembered ? "In all tabs, until you sign out." : "Off: only until this tab is closed."}
      checked={auth.remembered}
      onChange={setRemembered}
    />
  );
}
