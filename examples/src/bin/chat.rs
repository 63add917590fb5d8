//! Says something to a model, shows its answer as it comes, and asks once more in the same conversation.
//!
//! It must not know more than the SDK's public face. Run it with
//! `eval "$(mosaic env)" && cargo run -p mosaic-examples --bin chat`.

use std::{env, io::Write};

use anyhow::{Context, Result, bail};
use mosaic_client::{
    Client,
    chat::{Answer, Event},
};

#[tokio::main]
async fn main() -> Result<()> {
    let endpoint = env::var("MOSAIC_ENDPOINT").unwrap_or_else(|_| "http://127.0.0.1:50051".to_owned());
    let token = env::var("MOSAIC_TOKEN").context("MOSAIC_TOKEN is not set; try: eval \"$(mosaic env)\"")?;
    let chat = Client::connect(endpoint).token(token).build()?.chat();

    let mut answer = chat.send("What is a pseudo-terminal?").system("Answer in one sentence.").open().await?;
    eprintln!("conversation {}, answer {}", answer.conversation_id(), answer.message_id());
    show(&mut answer).await?;

    // The same conversation, and only the text.
    let text = chat.send("And what is it good for?").conversation(answer.conversation_id()).text().await?;
    println!("{text}");
    chat.conversation(answer.conversation_id()).delete().await?;
    Ok(())
}

/// Shows an answer as it comes. A lost connection is made again; this goes on at the next event.
async fn show(answer: &mut Answer) -> Result<()> {
    while let Some(event) = answer.next().await {
        match event? {
            Event::Text(text) => {
                print!("{text}");
                std::io::stdout().flush()?;
            }
            Event::FellBack(left) => eprintln!("[{}: {}; {} is asked now]", left.from, left.message, left.to),
            Event::Reconnecting(lost) => eprintln!("[{}; again in {:?}]", lost.cause, lost.pause),
            Event::Completed(message) => {
                let usage = message.usage.unwrap_or_default();
                println!();
                eprintln!("{:?} by {}, {} tokens", message.state(), message.answered_by, usage.output);
                return Ok(());
            }
            _ => {}
        }
    }
    bail!("the stream stopped before the answer was finished")
}
