// The page: to sign in, or what is shown to who is signed in. It must not know either.

import { useCallback } from "react";
import type { Failure } from "../api/failure.ts";
import { refused, useAuth } from "../sign-in/auth.ts";
import { SignIn } from "../sign-in/SignIn.tsx";
import { UiProvider } from "../ui/index.ts";
import { SessionProvider } from "../workspace/hooks.tsx";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import { Frame } from "./Frame.tsx";

export function App() {
  const auth = useAuth();
  const token = auth.state === "in" ? auth.credential.token : undefined;
  const onRefused = useCallback(
    (why: Failure) => {
      if (token !== undefined) refused(token, why);
    },
    [token],
  );
  return (
    <ErrorBoundary name="The page" of={auth.state}>
      <UiProvider>
        {auth.state === "in" ? (
          <SessionProvider token={auth.credential.token}>
            <Frame key={auth.credential.token} onRefused={onRefused} />
          </SessionProvider>
        ) : (
          <SignIn auth={auth} />
        )}
      </UiProvider>
    </ErrorBoundary>
  );
}
