//! `mosaic status`: the server, this account there, and how many terminals there are.
//!
//! It knows nothing about single terminals.

use mosaic_client::proto::{terminal::v1::terminal::State, workspace::v1::WhoAmIResponse};
use serde_json::{Value, json};

use crate::{
    Outcome, exit, json as messages,
    session::{self, Session},
    show,
    table::Colour,
    target::Target,
    text,
};

#[derive(Default)]
struct Count {
    running: usize,
    ended: usize,
}

/// Shows it.
pub(crate) async fn run(session: &Session) -> Outcome {
    let target = session.target()?;
    let client = session::client(&target)?;
    let answer = client.workspace().who_am_i().await?;
    let (terminals, _) = client.terminals().list().page_size(1000).all().await?;
    let mut count = Count::default();
    for terminal in &terminals {
        match terminal.state() {
            State::Starting | State::Running => count.running += 1,
            State::Exited | State::Lost | State::Unspecified => count.ended += 1,
        }
    }
    if session.output.json {
        let mut value = messages::value(&answer)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("endpoint".to_owned(), json!(target.endpoint));
            fields.insert("terminals".to_owned(), json!({"running": count.running, "ended": count.ended}));
        }
        session.output.value(&value)?;
    } else {
        session.output.line(&words(session, &target, &answer, &count))?;
    }
    Ok(exit::OK)
}

fn words(session: &Session, target: &Target, answer: &WhoAmIResponse, count: &Count) -> String {
    let workspace = answer.workspace.clone().unwrap_or_default();
    let token = answer.token.clone().unwrap_or_default();
    let shell_user = text::escape(&answer.shell_user);
    let mut lines = vec![
        format!("server     {} ({})", text::escape(&target.endpoint), text::escape(&target.source)),
        format!("version    {}", text::escape(&answer.server_version)),
        format!("node       {}", text::escape(&answer.node_id)),
        format!("workspace  {}", text::escape(&workspace.name)),
        format!("token      {} ({})", text::escape(&token.name), show::role(token.role())),
        format!("terminals  {} running, {} ended", count.running, count.ended),
        format!("account    terminals run as {shell_user}"),
    ];
    if answer.shares_account {
        let warning = format!(
            "Warning: terminals run under the server's own account. A token that can open\n\
             terminals equals the account {shell_user}: who has it can read the server's files and memory."
        );
        lines.push(session.output.paint(&warning, Colour::Red));
    }
    lines.join("\n")
}
