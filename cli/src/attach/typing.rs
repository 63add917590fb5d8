//! What is typed at this terminal, sent to that of the server; also the size of the window.
//!
//! It knows nothing about output. The detach key works even while the program takes no input.

use std::{
    io::{self, Read as _},
    time::Duration,
};

use futures_util::future::{Fuse, FutureExt as _};
use mosaic_client::terminal::AttachmentWriter;
use tokio::{signal::unix::Signal, sync::mpsc, time::timeout};

use super::{
    End,
    detach::{DetachKey, Typed},
};

/// One read of the terminal.
const READ_BYTES: usize = 16 * 1024;
/// Reads that wait to be looked at.
const READS_MAX: usize = 4;
/// Typed bytes that wait because the program takes no input. Beyond it nothing more is read, not even
/// the detach key, so that a paste is not cut off.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// How long leaving waits for the server to have all that was typed.
const LEAVE_WAIT: Duration = Duration::from_secs(2);
/// What ends a look without typing, beside the detach key: Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// The keyboard of this terminal.
pub(crate) struct Typing {
    keyboard: mpsc::Receiver<Vec<u8>>,
    window: Signal,
    /// None if this is only a look.
    writer: Option<AttachmentWriter>,
    key: DetachKey,
}

impl Typing {
    /// Begins to read the keyboard; `window` tells of new sizes.
    pub(crate) fn begin(writer: Option<AttachmentWriter>, window: Signal) -> io::Result<Self> {
        let (reads, keyboard) = mpsc::channel(READS_MAX);
        // A thread, since a read of a terminal can neither be polled portably nor be interrupted. It ends
        // with the receiver, or with the process.
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || read_keyboard(&reads))?;
        Ok(Self { keyboard, window, writer, key: DetachKey::default() })
    }

    /// Until the detach key, or until nobody sits there any more.
    pub(crate) async fn run(mut self) -> End {
        let Some(writer) = self.writer.clone() else { return self.look().await };
        let mut waiting = Vec::new();
        let mut sending = std::pin::pin!(Fuse::terminated());
        let mut is_sending = false;
        let rest = loop {
            if !is_sending && !waiting.is_empty() {
                let (writer, bytes) = (writer.clone(), std::mem::take(&mut waiting));
                sending.set(async move { writer.send(bytes).await }.fuse());
                is_sending = true;
            }
            tokio::select! {
                sent = &mut sending, if is_sending => {
                    is_sending = false;
                    if sent.is_err() {
                        return closed().await;
                    }
                }
                read = self.keyboard.recv(), if waiting.len() < WAITING_BYTES_MAX => {
                    match read.map(|read| self.key.feed(&read)) {
                        Some(Typed::Bytes(bytes)) => waiting.extend(bytes),
                        Some(Typed::Detach(bytes)) => {
                            waiting.extend(bytes);
                            break waiting;
                        }
                        None => break waiting,
                    }
                }
                _ = self.window.recv() => {
                    if let Some((cols, rows)) = crate::surroundings::window()
                        && writer.resize(cols, rows).is_err()
                    {
                        return closed().await;
                    }
                }
            }
        };
        let settle = async {
            if is_sending {
                sending.await?;
            }
            if !rest.is_empty() {
                writer.send(rest).await?;
            }
            writer.flush().await
        };
        End::Left { typed_arrived: matches!(timeout(LEAVE_WAIT, settle).await, Ok(Ok(()))) }
    }

    /// Without a writer only leaving is possible.
    async fn look(&mut self) -> End {
        while let Some(read) = self.keyboard.recv().await {
            if read.contains(&INTERRUPT) || matches!(self.key.feed(&read), Typed::Detach(_)) {
                break;
            }
        }
        End::Left { typed_arrived: true }
    }
}

/// The attachment is over. The stream of output tells that, and why, after its last bytes.
async fn closed() -> End {
    std::future::pending().await
}

fn read_keyboard(reads: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match io::stdin().lock().read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if reads.blocking_send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The terminal is gone.
            Err(_) => return,
        }
    }
}
