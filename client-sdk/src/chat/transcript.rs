//! The text of an answer, put together from its events.
//!
//! It must not know where the events come from.

use super::event::Event;

/// The text so far, without what became void.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    text: String,
    /// Where in the text each event's part begins.
    parts: Vec<(u64, usize)>,
}

impl Transcript {
    /// Takes the event with this sequence.
    pub(super) fn take(&mut self, sequence: u64, event: &Event) {
        match event {
            Event::Text(text) => {
                self.parts.push((sequence, self.text.len()));
                self.text.push_str(text);
            }
            Event::Superseded(superseded) => {
                let void = self.parts.partition_point(|(sequence, _)| *sequence < superseded.from_sequence);
                if let Some((_, start)) = self.parts.get(void) {
                    self.text.truncate(*start);
                }
                self.parts.truncate(void);
            }
            Event::CommandResult(result) => self.text.clone_from(&result.text),
            _ => {}
        }
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use mosaic_proto::chat::v1::Superseded;

    use super::*;

    #[test]
    fn void_text_is_left_out() {
        let mut transcript = Transcript::default();
        for (sequence, text) in [(2, "one "), (4, "two "), (5, "three ")] {
            transcript.take(sequence, &Event::Text(text.to_owned()));
        }
        transcript.take(6, &Event::Superseded(Superseded { from_sequence: 3 }));
        transcript.take(7, &Event::Text("four".to_owned()));
        assert_eq!(transcript.into_text(), "one four");
    }
}
