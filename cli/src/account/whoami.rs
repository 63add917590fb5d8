//! `mosaic whoami`: whom the token names.
//!
//! It knows nothing about the server's terminals; `status` does.

use mosaic_client::proto::workspace::v1::WhoAmIResponse;

use crate::{Outcome, exit, session::Session, show, text};

/// Shows it.
pub(crate) async fn run(session: &Session) -> Outcome {
    let answer = session.client()?.workspace().who_am_i().await?;
    session.output.show(&answer, || words(&answer))?;
    Ok(exit::OK)
}

fn words(answer: &WhoAmIResponse) -> String {
    let workspace = answer.workspace.clone().unwrap_or_default();
    let token = answer.token.clone().unwrap_or_default();
    let mut lines = vec![
        format!("token      {} ({})", text::escape(&token.name), text::escape(&token.id)),
        format!("role       {}", show::role(token.role())),
        format!("workspace  {} ({})", text::escape(&workspace.name), text::escape(&workspace.id)),
    ];
    if token.read_only {
        lines.push("limit      may only read".to_owned());
    }
    if !token.terminal_id.is_empty() {
        lines.push(format!("limit      terminal {} only", text::escape(&token.terminal_id)));
    }
    if token.expire_time.is_some() {
        lines.push(format!("expires    {}", show::time(token.expire_time.as_ref())));
    }
    lines.join("\n")
}
