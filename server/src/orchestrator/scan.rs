//! What can be learnt from an agent's output: its last line, whether that asks something, and tokens it reports.
//!
//! It reads the log like any other reader, and knows nothing about what follows from what it finds.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use regex::Regex;

use crate::{
    log::{Chunk, Log, Reader},
    terminal::TextFilter,
};

/// Bytes of the last line that are kept.
const LINE_BYTES_MAX: usize = 256;
/// Bytes of a line that is looked at for tokens.
const TOKEN_LINE_BYTES_MAX: usize = 4096;
/// A reader that is further behind than this, and counts no tokens, goes to the end.
const BEHIND_BYTES_MAX: u64 = 256 * 1024;
/// How much is read at once, and how often until something else gets its turn: a program may print for ever.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES_MAX: usize = 32;
/// A line is a question once nothing came after it for so long.
pub const QUIET: Duration = Duration::from_secs(2);

/// Reads an agent's output.
pub struct Scanner {
    log: Arc<Log>,
    reader: Reader,
    text: TextFilter,
    /// The line that is being printed.
    line: String,
    /// The last whole line that had something in it.
    before: String,
    input: Regex,
    tokens: Option<Regex>,
    /// The highest number of tokens reported.
    pub used: u64,
    /// Whole lines read so far: two questions that read the same are not of one line.
    pub lines: u64,
    /// When it last found something new.
    changed: Instant,
}

impl Scanner {
    /// A scanner from the oldest byte on, or from near the end where only the last line matters.
    pub fn new(log: Arc<Log>, input: Regex, tokens: Option<Regex>) -> Self {
        let from =
            if tokens.is_some() { log.start() } else { log.end().saturating_sub(4096).max(log.start()) };
        let reader = Reader::new(Arc::clone(&log), from);
        let (text, line, before) = (TextFilter::default(), String::new(), String::new());
        Self { log, reader, text, line, before, input, tokens, used: 0, lines: 0, changed: Instant::now() }
    }

    /// Reads what is there by now, but not without end; true if there was anything.
    ///
    /// # Errors
    /// What the file system says.
    pub fn advance(&mut self) -> io::Result<bool> {
        let mut news = false;
        if self.tokens.is_none() && self.log.end().saturating_sub(self.reader.offset()) > BEHIND_BYTES_MAX {
            self.reader = Reader::new(Arc::clone(&self.log), self.log.end() - PIECE_BYTES as u64);
            (self.text, self.line) = (TextFilter::default(), String::new());
        }
        for _ in 0..PIECES_MAX {
            let Some(chunk) = self.reader.read(PIECE_BYTES)? else { break };
            if let Chunk::Data { bytes, .. } = chunk {
                let text = self.text.push(&bytes);
                self.push(&text);
                news = true;
            }
        }
        if news {
            self.changed = Instant::now();
        }
        Ok(news)
    }

    fn push(&mut self, text: &str) {
        let mut pieces = text.split('\n');
        self.extend(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.line_is_whole();
            self.extend(piece);
        }
    }

    fn extend(&mut self, piece: &str) {
        // A carriage return begins the line anew, as on a screen.
        let (overwritten, piece) = match piece.rsplit_once('\r') {
            Some((_, rest)) => (true, rest),
            None => (false, piece),
        };
        if overwritten {
            self.line.clear();
        }
        let room = TOKEN_LINE_BYTES_MAX.saturating_sub(self.line.len());
        self.line.push_str(&piece[..piece.floor_char_boundary(room)]);
    }

    fn line_is_whole(&mut self) {
        self.count();
        self.lines += 1;
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.before = line;
        }
    }

    fn count(&mut self) {
        let Some(tokens) = &self.tokens else { return };
        let number = tokens.captures(&self.line).and_then(|found| found.get(1)).map(|number| {
            let digits: String = number.as_str().chars().filter(char::is_ascii_digit).collect();
            digits.parse::<u64>().unwrap_or_default()
        });
        self.used = self.used.max(number.unwrap_or_default());
    }

    /// True if there is more to read.
    pub fn is_behind(&self) -> bool {
        self.reader.offset() < self.log.end()
    }

    /// The last line with something in it, for people.
    pub fn last_line(&self) -> String {
        let line = if self.line.trim().is_empty() { &self.before } else { &self.line };
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        line[..line.floor_char_boundary(LINE_BYTES_MAX)].trim().to_owned()
    }

    /// How long until the line that is being printed counts as a question; `None` if it is none.
    pub fn asks_in(&self) -> Option<Duration> {
        self.input.is_match(&self.line).then(|| QUIET.saturating_sub(self.changed.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Limits;

    fn scanner(tokens: Option<&str>) -> (tempfile::TempDir, Arc<Log>, Scanner) {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { segment_bytes: 1 << 20, bytes_max: 1 << 24, index_entries_max: 64 };
        let log = Arc::new(Log::create_for_append(&dir.path().join("log"), limits).unwrap());
        let input = Regex::new(r"\? $").unwrap();
        let scanner = Scanner::new(Arc::clone(&log), input, tokens.map(|t| Regex::new(t).unwrap()));
        (dir, log, scanner)
    }

    #[test]
    fn the_last_line_is_what_a_person_would_read() {
        let (_dir, log, mut scanner) = scanner(None);
        log.append(b"one\r\ntwo \x1b[31mred\x1b[0m\r\n\r\n").unwrap();
        assert!(scanner.advance().unwrap());
        assert_eq!(scanner.last_line(), "two red");
        log.append(b"10 %\r20 %").unwrap();
        scanner.advance().unwrap();
        assert_eq!(scanner.last_line(), "20 %");
        assert!(!scanner.advance().unwrap());
    }

    #[test]
    fn a_question_is_a_last_line_that_stays() {
        let (_dir, log, mut scanner) = scanner(None);
        log.append(b"really? \nno").unwrap();
        scanner.advance().unwrap();
        assert_eq!(scanner.asks_in(), None);
        log.append(b"\nreally? ").unwrap();
        scanner.advance().unwrap();
        assert!(scanner.asks_in().is_some_and(|wait| wait > Duration::ZERO));
        scanner.changed -= QUIET;
        assert_eq!(scanner.asks_in(), Some(Duration::ZERO));
    }

    #[test]
    fn tokens_are_the_highest_number_reported() {
        let (_dir, log, mut scanner) = scanner(Some("tokens: ([0-9,]+)"));
        log.append(b"tokens: 1,200\ntokens: 900\nother 5\n").unwrap();
        scanner.advance().unwrap();
        assert_eq!(scanner.used, 1200);
    }
}
