//! `mosaic token`: the tokens of the workspace.
//!
//! It knows nothing about who may do this; the server does.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use mosaic_client::proto::workspace::v1::{CreateTokenRequest, ListTokensResponse, Role, Token};

use crate::{
    Outcome, exit, failure::Failure, output::say, session::Session, show, table::Cell, table::Colour, text,
    values,
};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token; its secret is printed this once
    #[command(after_help = "Example:\n  mosaic token create ci --role member --lifetime 30d > token-file")]
    Create(Create),
    /// List them, without their secrets
    #[command(visible_alias = "list")]
    Ls,
    /// Make tokens useless at once; streams opened with them end
    Revoke {
        /// Their ids, as `mosaic token ls` shows them, or their names
        #[arg(required = true, value_name = "TOKEN")]
        tokens: Vec<String>,
    },
}

/// The arguments of `create`.
#[derive(clap::Args, Debug)]
pub(crate) struct Create {
    /// What to call it
    name: String,
    /// What it may do
    #[arg(long, value_enum)]
    role: RoleName,
    /// How long it is good for, such as 12h or 30d [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    lifetime: Option<Duration>,
    /// Limit it to one terminal
    #[arg(long, value_name = "TERMINAL")]
    terminal: Option<String>,
    /// It may only read, whatever its role
    #[arg(long)]
    read_only: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    /// Read
    Viewer,
    /// Read and write
    Member,
    /// Also make and revoke tokens
    Admin,
}

/// Runs it.
pub(crate) async fn run(session: &Session, command: Command) -> Outcome {
    match command {
        Command::Create(create) => self::create(session, create).await,
        Command::Ls => list(session).await,
        Command::Revoke { tokens } => revoke(session, tokens).await,
    }
}

async fn create(session: &Session, create: Create) -> Outcome {
    let role = match create.role {
        RoleName::Viewer => Role::Viewer,
        RoleName::Member => Role::Member,
        RoleName::Admin => Role::Admin,
    };
    let lifetime = create.lifetime.map(prost_types::Duration::try_from).transpose();
    let request = CreateTokenRequest {
        request_id: String::new(),
        name: create.name,
        role: role.into(),
        lifetime: lifetime.map_err(|_| Failure::usage("--lifetime is too long"))?,
        terminal_id: create.terminal.unwrap_or_default(),
        read_only: create.read_only,
    };
    let answer = session.client()?.workspace().create_token(request).await?;
    session.output.show(&answer, || text::escape(&answer.secret))?;
    if !answer.warning.is_empty() {
        say(&format!("Warning: {}", text::escape(&answer.warning)));
    }
    Ok(exit::OK)
}

async fn list(session: &Session) -> Outcome {
    let tokens = session.client()?.workspace().tokens().await?;
    if session.output.json {
        let page = ListTokensResponse { tokens, next_page_token: String::new() };
        session.output.message(&page)?;
    } else {
        let header = ["ID", "ROLE", "STATE", "CREATED", "LAST USE", "EXPIRES", "NAME"];
        session.output.table(header, tokens.iter().map(row).collect())?;
    }
    Ok(exit::OK)
}

fn row(token: &Token) -> [Cell; 7] {
    let state = match (&token.revoke_time, token.read_only, token.terminal_id.is_empty()) {
        (Some(_), _, _) => Cell::coloured("revoked", Colour::Dim),
        (None, true, false) => "one terminal, read-only".into(),
        (None, false, false) => "one terminal".into(),
        (None, true, true) => "read-only".into(),
        (None, false, true) => Cell::coloured("good", Colour::Green),
    };
    [
        text::escape(&token.id).into(),
        show::role(token.role()).into(),
        state,
        show::age(token.create_time.as_ref()).into(),
        show::age(token.last_use_time.as_ref()).into(),
        show::time(token.expire_time.as_ref()).into(),
        text::escape(&token.name).into(),
    ]
}

async fn revoke(session: &Session, named: Vec<String>) -> Outcome {
    let workspace = session.client()?.workspace();
    let tokens = workspace.tokens().await?;
    // All of them, before the first is revoked.
    let ids = named.iter().map(|named| id(&tokens, named)).collect::<Result<Vec<_>, _>>()?;
    for id in ids {
        let token = workspace.revoke_token(&id).await?;
        let answer = mosaic_client::proto::workspace::v1::RevokeTokenResponse { token: Some(token.clone()) };
        session.output.show(&answer, || text::escape(&token.id))?;
    }
    Ok(exit::OK)
}

/// The id of a token by its id, or by its name if only one token that is not revoked has it.
fn id(tokens: &[Token], named: &str) -> Result<String, Failure> {
    if tokens.iter().any(|token| token.id == named) {
        return Ok(named.to_owned());
    }
    let good = tokens.iter().filter(|token| token.revoke_time.is_none() && token.name == named);
    match good.map(|token| token.id.as_str()).collect::<Vec<_>>()[..] {
        // Whatever it is, the server knows what to say about it.
        [] => Ok(named.to_owned()),
        [id] => Ok(id.to_owned()),
        ref ids => {
            let message = format!("{} tokens are called {}", ids.len(), text::quote(named));
            Err(Failure::usage(message).hint(format!("Name one by its id: {}", ids.join(", "))))
        }
    }
}
