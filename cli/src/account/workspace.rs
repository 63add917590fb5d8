//! `mosaic workspace`: the workspaces of a server, for its operator.
//!
//! It knows nothing about who may do this; the server does.

use clap::Subcommand;
use mosaic_client::proto::workspace::v1::ListWorkspacesResponse;

use crate::{Outcome, exit, output::say, session::Session, show, text};

/// What to do with workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a workspace; the secret of its first admin token is printed this once
    Create {
        /// Its name, unique on the server
        name: String,
    },
    /// List them
    #[command(visible_alias = "list")]
    Ls,
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    let workspace = session.client()?.workspace();
    match command {
        Command::Create { name } => {
            let answer = workspace.create(name).await?;
            session.output.show(&answer, || text::escape(&answer.secret))?;
            let made = answer.workspace.unwrap_or_default();
            say(&format!("Made workspace {} ({}).", text::escape(&made.name), text::escape(&made.id)));
        }
        Command::Ls => {
            let workspaces = workspace.list().await?;
            if session.output.json {
                let page = ListWorkspacesResponse { workspaces, next_page_token: String::new() };
                session.output.message(&page)?;
            } else {
                let row = |workspace: &mosaic_client::proto::workspace::v1::Workspace| {
                    [
                        text::escape(&workspace.id).into(),
                        show::time(workspace.create_time.as_ref()).into(),
                        text::escape(&workspace.name).into(),
                    ]
                };
                session.output.table(["ID", "CREATED", "NAME"], workspaces.iter().map(row).collect())?;
            }
        }
    }
    Ok(exit::OK)
}
