//! `mosaic env`: the server and its token as lines for a shell to eval.
//!
//! It knows nothing about connections. The token is a secret: it goes into a pipe, not onto a screen.

use crate::{Outcome, exit, failure::Failure, session::Session, text};

/// What it is for.
pub(crate) const HELP: &str = "\
It prints a token, which is a secret, and therefore refuses to print to a terminal.

Examples:
  eval \"$(mosaic env)\"
  grpcurl -plaintext -expand-headers -H 'authorization: Bearer ${MOSAIC_TOKEN}' \\
    \"${MOSAIC_ENDPOINT#*://}\" mosaic.workspace.v1.WorkspaceService/WhoAmI";

/// Prints the lines.
pub(crate) fn run(session: &Session) -> Outcome {
    let target = session.target()?;
    if session.output.is_terminal {
        return Err(Failure::usage("this would show a secret token on the screen")
            .hint("Let the shell take it: eval \"$(mosaic env)\". To see it: mosaic env | cat"));
    }
    if session.output.json {
        let value = serde_json::json!({
            "MOSAIC_ENDPOINT": target.endpoint,
            "MOSAIC_TOKEN": target.token.expose(),
        });
        session.output.value(&value)?;
    } else {
        session.output.line(&format!("export MOSAIC_ENDPOINT={}", text::quote(&target.endpoint)))?;
        session.output.line(&format!("export MOSAIC_TOKEN={}", text::quote(target.token.expose())))?;
        if let Some(ca) = target.ca.as_deref().and_then(|path| path.to_str()) {
            session.output.line(&format!("export MOSAIC_CA={}", text::quote(ca)))?;
        }
    }
    Ok(exit::OK)
}
