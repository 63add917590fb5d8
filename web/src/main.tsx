// Starts the page: the one root. It must not know what is in it.

import { createRoot } from "react-dom/client";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(null);
}
