// Whether and how a person is told that an agent ended or needs input. The browser is asked on a click only.

import { useState } from "react";
import { Switch } from "../ui/index.ts";
import { changeSettings, useSettings } from "./settings.ts";

type Permission = NotificationPermission | "missing";

function permissionNow(): Permission {
  return "Notification" in window ? Notification.permission : "missing";
}

const HINTS: Readonly<Record<Permission, string>> = {
  default: "For when this page is not in front. The browser will ask whether it may.",
  granted: "For when this page is not in front.",
  denied: "The browser forbids it for this page; its settings for the site can change that.",
  missing: "This browser has none, or the page did not come over HTTPS or from this computer.",
};

export function NotificationSettings() {
  const { notifyInPage, notifyByBrowser } = useSettings();
  const [permission, setPermission] = useState(permissionNow);
  const possible = permission === "default" || permission === "granted";
  const byBrowser = async (wanted: boolean) => {
    const now = wanted && permission === "default" ? await Notification.requestPermission() : permission;
    setPermission(now);
    changeSettings({ notifyByBrowser: wanted && now === "granted" });
  };
  return (
    <>
      <Switch
        label="In the page"
        hint="When an agent ends or needs input, and you do not look at it."
        checked={notifyInPage}
        onChange={(next) => changeSettings({ notifyInPage: next })}
      />
      <Switch
        label="By the browser"
        hint={HINTS[permission]}
        checked={notifyByBrowser && permission === "granted"}
        disabled={!possible}
        onChange={(next) => void byBrowser(next)}
      />
    </>
  );
}
