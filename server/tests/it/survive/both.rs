//! Keeper and server both killed: the terminal is lost, and said to be; its log is whole and its tree is swept.

use anyhow::Result;
use mosaic_proto::terminal::v1::{exit::Reason, terminal::State};
use test_support::{Server, programs};

use super::{Cursor, get, gone, wait};
use crate::shells::{read_until, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_whose_keeper_and_server_died_is_lost_with_its_log_intact() -> Result<()> {
    let server = Server::start().await?;
    let mut client = server.terminals()?;
    // The shell ignores the hang-up that the death of both brings.
    let stubborn = run(&mut client, &programs::ignores_hangup()).await?;
    read_until(&mut client, &stubborn.id, "ready\r\n").await?;
    let ended = run(&mut client, "echo done; exit 4").await?;
    wait(&mut client, &ended.id).await?;

    server.stop_signal()?;
    server.kill_keeper()?;
    server.kill9().await?;
    server.restart().await?;

    let mut client = server.terminals()?;
    let terminal = get(&mut client, &stubborn.id).await?;
    assert_eq!(terminal.state(), State::Lost);
    assert_eq!(terminal.exit.unwrap_or_default().reason(), Reason::Lost);
    let mut cursor = Cursor::default();
    cursor.finish(&mut client, &stubborn.id).await?;
    assert_eq!(cursor.text(), "ready\r\n");
    assert!(gone(&stubborn.pid.to_string()), "process {} was not swept", stubborn.pid);

    let terminal = get(&mut client, &ended.id).await?;
    assert_eq!((terminal.state(), terminal.exit.unwrap_or_default().code), (State::Exited, Some(4)));
    Ok(())
}
