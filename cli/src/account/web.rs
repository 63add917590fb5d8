//! `mosaic web`: a link that signs a browser in, opened or printed.
//!
//! It knows nothing about how a browser is found. The link is as good as a token until it is used: it goes to whoever
//! runs this, and never into an argument, which everybody on the machine can read.

use std::time::SystemTime;

use mosaic_client::proto::workspace::v1::{CreateSignInCodeResponse, Role, Token};
use serde_json::json;

use crate::{
    Outcome, browser, exit, failure::Failure, output::say, session, session::Session, show, surroundings,
    text,
};

/// What it does.
pub(crate) const HELP: &str = "\
Examples:
  mosaic web            opens the page where there is a screen, else prints the link
  mosaic web --print    the link, to open it in a browser of your choice

The link is good once and for ten minutes (auth.sign_in_code_s); each `mosaic web`
makes another. Whoever opens it first is signed in with the role of your token,
but at most ADMIN. $BROWSER names another program than the usual one.";

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Web {
    /// Print the link instead of opening it
    #[arg(long)]
    print: bool,
}

/// Signs a browser in.
pub(crate) async fn run(session: &Session, web: Web) -> Outcome {
    let target = session.target()?;
    let workspace = session::client(&target)?.workspace();
    let me = workspace.who_am_i().await?;
    if !me.web_page {
        let message = format!("the server at {} was built without the page", target.endpoint);
        return Err(Failure::error(message).hint(
            "With Node.js 20.19 or newer, where its source is: `cd web && npm ci && npm run build`, then build the \
             server again and start it; `./run` does all of it.",
        ));
    }
    let code = workspace.create_sign_in_code().await?;
    // Behind the `#`, where the browser keeps it for itself: no server's log has it.
    let link = format!("{}/#sign-in={}", target.endpoint, code.code);
    let what = what_it_is(&code, &me.token.unwrap_or_default());
    if session.output.json {
        session.output.value(&json!({"url": link, "expireTime": show::time(code.expire_time.as_ref())}))?;
        return Ok(exit::OK);
    }
    if session.output.is_terminal && !web.print && opened(&link).await? {
        say(&format!("Opening {} in the browser. {what}", text::escape(&target.endpoint)));
        say("If nothing shows: `mosaic web --print`, and open the link yourself.");
        return Ok(exit::OK);
    }
    session.output.line(&text::escape(&link))?;
    say(&what);
    Ok(exit::OK)
}

/// How long the link is good, and for what.
fn what_it_is(code: &CreateSignInCodeResponse, token: &Token) -> String {
    let until = code.expire_time.and_then(|time| SystemTime::try_from(time).ok());
    let left = until.and_then(|until| until.duration_since(SystemTime::now()).ok()).unwrap_or_default();
    // What is left of it a moment after it was made is meant as the whole.
    let time = match left.as_secs().div_ceil(60) {
        1 => "one minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    };
    let mut role = match token.role() {
        Role::Operator => {
            format!("{} (a browser is never {})", show::role(Role::Admin), show::role(Role::Operator))
        }
        role => show::role(role).to_owned(),
    };
    if token.read_only {
        role += ", to read only";
    }
    if !token.terminal_id.is_empty() {
        role += ", for one terminal";
    }
    format!(
        "The link is good once and for {time}. Whoever opens it is signed in with the role {role}. \
         Another: `mosaic web`."
    )
}

/// Opens the link where there is a browser to see; false if there is none.
async fn opened(link: &str) -> Result<bool, Failure> {
    let (Some(program), Some(file)) = (browser::find(), surroundings::sign_in_path()) else {
        return Ok(false);
    };
    browser::open(program, &file, link).await
}
