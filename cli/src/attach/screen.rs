//! The terminal that one sits at, in raw mode, and its way back.
//!
//! It knows nothing about streams. However the command ends (detach, error, panic, signal), dropping
//! the screen leaves the terminal as it was.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use tokio::{io::AsyncWriteExt as _, time::timeout};

use super::modes::Modes;

/// Saves the title on the terminal's own stack; terminals without one ignore it.
const SAVE_TITLE: &[u8] = b"\x1b[22;0t";
const RESTORE_TITLE: &[u8] = b"\x1b[23;0t";

/// For how long leaving waits for a terminal that takes no output (stopped with `Ctrl-S`, say).
const UNFINISHED_WRITE_MAX: Duration = Duration::from_millis(500);

/// The screen, in raw mode for as long as this lives.
#[derive(Debug)]
pub(crate) struct Screen {
    out: tokio::io::Stdout,
    modes: Modes,
    /// A write has begun and its end was not seen.
    writing: bool,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Self { out: tokio::io::stdout(), modes: Modes::default(), writing: false };
        io::stdout().write_all(SAVE_TITLE)?;
        Ok(screen)
    }

    /// Shows output and returns when the terminal has taken it.
    pub(crate) async fn show(&mut self, data: &[u8]) -> io::Result<()> {
        self.modes.feed(data);
        self.write(data).await
    }

    /// Says something of this program's own: on a line of its own, or where a full-screen program
    /// shows itself, over the last line of the screen.
    pub(crate) async fn notice(&mut self, text: &str) -> io::Result<()> {
        let notice = if self.is_full() {
            format!("\x1b7\x1b[999;1H\x1b[0;7m[mosaic: {text}]\x1b[0m\x1b[K\x1b8")
        } else {
            format!("\r\n[mosaic: {text}]\r\n")
        };
        self.write(notice.as_bytes()).await
    }

    /// True while a full-screen program shows itself.
    pub(crate) fn is_full(&self) -> bool {
        self.modes.alternate_screen()
    }

    /// Gives the terminal back, behind a write that somebody cut short. Dropping the screen does the
    /// same, but where a write is still under way, only what needs no writing.
    pub(crate) async fn leave(mut self) {
        if self.writing && matches!(timeout(UNFINISHED_WRITE_MAX, self.out.flush()).await, Ok(Ok(()))) {
            self.writing = false;
        }
    }

    async fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.writing = true;
        self.out.write_all(data).await?;
        self.out.flush().await?;
        self.writing = false;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing else to try.
        let _ = disable_raw_mode();
        // Behind an unfinished write this one would wait as well, perhaps for ever.
        if !self.writing {
            let mut out = io::stdout().lock();
            let _ = out.write_all(&self.modes.restore());
            let _ = out.write_all(RESTORE_TITLE);
            let _ = out.flush();
        }
    }
}

/// Lets a panic tell its message in a terminal that shows it properly.
pub(crate) fn restore_terminal_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = disable_raw_mode();
        report(panic);
    }));
}

#[cfg(test)]
mod tests {
    use std::{env, io::Read as _};

    use futures_util::FutureExt as _;
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Set for the process that is to use a screen.
    const IN_TERMINAL: &str = "MOSAIC_TEST_IN_TERMINAL";

    #[test]
    fn panics_with_a_screen() {
        if env::var_os(IN_TERMINAL).is_some() {
            restore_terminal_on_panic();
            let _screen = Screen::enter().unwrap();
            panic!("deliberate");
        }
    }

    #[tokio::test]
    async fn is_interrupted_while_it_shows() {
        if env::var_os(IN_TERMINAL).is_some() {
            let mut screen = Screen::enter().unwrap();
            // Whoever shows is gone before the end of the write is known, as after a signal.
            let _ = screen.show(b"\x1b[?1049h").now_or_never();
            screen.leave().await;
        }
    }

    /// Runs one of the tests above in a terminal of its own: whether it succeeded, and what it showed.
    fn in_terminal(test: &str) -> (bool, String) {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let before = pair.master.get_termios();
        let mut command = CommandBuilder::new(env::current_exe().unwrap());
        command.args(["--exact", &format!("attach::screen::tests::{test}"), "--nocapture"]);
        command.env(IN_TERMINAL, "1");
        let mut child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let reading = std::thread::spawn(move || {
            let mut shown = Vec::new();
            // On Linux the end of a terminal is EIO; all that came before it counts.
            let _ = reader.read_to_end(&mut shown);
            String::from_utf8_lossy(&shown).into_owned()
        });
        let succeeded = child.wait().unwrap().success();
        assert!(before.is_some() && pair.master.get_termios() == before, "the attributes are as before");
        drop(pair.slave);
        (succeeded, reading.join().unwrap())
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let (succeeded, shown) = in_terminal("panics_with_a_screen");
        assert!(!succeeded);
        assert!(shown.contains("\x1b[22;0t") && shown.contains("\x1b[23;0t"), "{shown:?}");
        assert!(shown.contains("\r\ndeliberate\r\n"), "the message was shown in raw mode: {shown:?}");
    }

    #[test]
    fn an_unfinished_write_does_not_keep_the_terminal() {
        let (succeeded, shown) = in_terminal("is_interrupted_while_it_shows");
        assert!(succeeded, "{shown:?}");
        let order: Vec<_> = ["\x1b[?1049h", "\x1b[?1049l", "\x1b[23;0t"].map(|seq| shown.find(seq)).into();
        assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{shown:?}");
    }
}
