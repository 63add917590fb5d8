//! The stream of a terminal, shown.
//!
//! It knows nothing about typing.

use mosaic_client::{
    proto::terminal::v1::{Exit, Opened, Output},
    terminal::{AttachmentReader, Event},
};
use tokio::sync::Notify;

use super::{End, Options, end_of, replay::Replay, screen::Screen};
use crate::{failure::Failure, show as words};

/// What is shown, and where the past ends.
pub(crate) struct Shown<'a> {
    reader: AttachmentReader,
    /// Told when the screen is to be painted anew.
    redraws: &'a Notify,
    /// Output before this offset is the past: questions in it were answered long ago.
    present: u64,
    replay: Replay,
    /// The stream begins in the middle of the log, perhaps in the middle of a letter or a sequence.
    cut: bool,
    exit: Option<Exit>,
}

impl<'a> Shown<'a> {
    /// Shows what comes after `opened`.
    pub(crate) fn new(
        reader: AttachmentReader,
        opened: &Opened,
        options: Options,
        redraws: &'a Notify,
    ) -> Self {
        Self {
            reader,
            redraws,
            present: if options.fresh { 0 } else { opened.output_end },
            replay: Replay::default(),
            cut: opened.offset > opened.output_start && opened.offset < opened.output_end,
            exit: None,
        }
    }

    /// Until the stream ends.
    pub(crate) async fn run(mut self, screen: &mut Screen) -> End {
        loop {
            let event = match self.reader.next().await {
                Some(Ok(event)) => event,
                Some(Err(error)) => return End::Failed(error.into()),
                None => return End::Failed(Failure::unavailable("the stream ended without a word")),
            };
            match self.show(event, screen).await {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(error) => return End::Failed(error.into()),
            }
        }
    }

    async fn show(&mut self, event: Event, screen: &mut Screen) -> std::io::Result<Option<End>> {
        match event {
            Event::Output(output) => self.output(&output, screen).await?,
            Event::Gap(gap) => {
                let missing = words::bytes(gap.to.saturating_sub(gap.from));
                screen.notice(&format!("{missing} of output are not kept")).await?;
            }
            Event::Reconnecting(lost) if lost.attempt == 1 => {
                let what = words::lost(&lost);
                screen.notice(&format!("{what}, trying again; leave: Ctrl-\\ then d")).await?;
            }
            Event::Reconnected(_) => {
                screen.notice("connected again").await?;
                if screen.is_full() {
                    // The notice stands where the program had painted.
                    self.redraws.notify_one();
                }
            }
            Event::Exited(exited) => self.exit = exited.exit,
            Event::Ended(ended) => return Ok(Some(end_of(ended.reason(), self.exit.take()))),
            // This window keeps its own size, the title comes with the output, and new kinds of events
            // are for those who know them.
            _ => {}
        }
        Ok(None)
    }

    async fn output(&mut self, output: &Output, screen: &mut Screen) -> std::io::Result<()> {
        let mut data = output.data.as_ref();
        if std::mem::take(&mut self.cut) {
            data = &data[whole(data)..];
        }
        let start = output.end_offset.saturating_sub(data.len() as u64);
        let past = usize::try_from(self.present.saturating_sub(start)).unwrap_or(usize::MAX).min(data.len());
        let (past, present) = data.split_at(past);
        if !past.is_empty() {
            let mut past = self.replay.feed(past);
            if output.end_offset >= self.present {
                past.extend(self.replay.finish());
            }
            screen.show(&past).await?;
        }
        if !present.is_empty() {
            screen.show(present).await?;
        }
        Ok(())
    }
}

/// Where output that begins anywhere begins to make sense: after the first line's end, or else after
/// the rest of a letter.
fn whole(data: &[u8]) -> usize {
    match data.iter().position(|&byte| byte == b'\n') {
        Some(end) => end + 1,
        None => data.iter().take_while(|&&byte| byte & 0xc0 == 0x80).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_log_begins_at_a_line() {
        assert_eq!(whole(b"1mrest\r\nline"), 8);
        assert_eq!(whole(b"\xbcber"), 1, "no line ends here");
        assert_eq!(whole(b"prompt$ "), 0);
    }
}
