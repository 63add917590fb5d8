//! Opens a terminal, types into it, reads what it prints, and waits for its end.
//!
//! It must not know more than the SDK's public face. Run it with
//! `eval "$(mosaic env)" && cargo run -p mosaic-examples --bin terminal`.

use std::{env, io::Write, time::Duration};

use anyhow::{Context, Result, bail};
use mosaic_client::{
    Client,
    terminal::{Attachment, Event},
};

#[tokio::main]
async fn main() -> Result<()> {
    let endpoint = env::var("MOSAIC_ENDPOINT").unwrap_or_else(|_| "http://127.0.0.1:50051".to_owned());
    let token = env::var("MOSAIC_TOKEN").context("MOSAIC_TOKEN is not set; try: eval \"$(mosaic env)\"")?;
    let client = Client::connect(endpoint).token(token).build()?;

    let (terminal, info) = client.terminals().create().command(["sh"]).size(100, 30).send().await?;
    eprintln!("terminal {} runs {} as process {}", info.name, info.command.join(" "), info.pid);

    let mut attachment = terminal.attach().size(100, 30).open().await?;
    attachment.send("echo six times seven is $((6 * 7))\n").await?;
    attachment.send("exit 3\n").await?;
    read_to_the_end(&mut attachment).await?;

    // It has ended, so this answers at once; it would wait otherwise, also while the server restarts.
    let exit = terminal.wait_timeout(Duration::from_secs(10)).await?.context("the terminal still runs")?;
    eprintln!("exit code {:?}, processor time {:?}", exit.code, exit.cpu_time);
    terminal.delete().await?;
    Ok(())
}

/// Copies the terminal's output to ours. A lost connection is made again; this goes on at the next byte.
async fn read_to_the_end(attachment: &mut Attachment) -> Result<()> {
    while let Some(event) = attachment.next().await {
        match event? {
            Event::Output(output) => std::io::stdout().write_all(&output.data)?,
            Event::Gap(gap) => eprintln!("[bytes {} to {} are not kept any more]", gap.from, gap.to),
            Event::Reconnecting(lost) => eprintln!("[{}; again in {:?}]", lost.cause, lost.pause),
            Event::Ended(_) => return Ok(()),
            _ => {}
        }
    }
    bail!("the stream stopped without a last word")
}
