// Starts the page: its theme, who is signed in, the one root. It must not know what is in it.

import "./ui/tokens.css";
import "./ui/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./layout/App.tsx";
import { fetchFirstViews } from "./layout/features.tsx";
import { startTheme } from "./layout/theme.ts";
import { startAuth } from "./sign-in/auth.ts";

// First of all: a sign-in link's code leaves the address.
startAuth();
startTheme();
fetchFirstViews();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
