//! What happened at which offset of a byte log, one JSON line each, beside the segments.
//!
//! A line that a kill or a full disk cut short is ignored. It knows the kinds of marks, not who makes them.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Something that happened at an offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The offset.
    pub offset: u64,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// What.
    #[serde(flatten)]
    pub kind: MarkKind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MarkKind {
    /// The window has another size.
    Resized {
        /// Width in cells.
        cols: u16,
        /// Height in cells.
        rows: u16,
    },
    /// The program set another title.
    Title {
        /// The title.
        title: String,
    },
    /// The log ends here for ever.
    End,
}

/// All marks that are kept.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    marks: VecDeque<Mark>,
    /// How many marks came before the first one kept.
    dropped: u64,
    entries_max: usize,
    lines: usize,
}

impl Index {
    pub(super) fn open(dir: &Path, entries_max: usize) -> io::Result<Self> {
        let path = dir.join("index.jsonl");
        let text = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(cause),
        };
        let mut marks: VecDeque<Mark> =
            text.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let lines = marks.len();
        while marks.len() > entries_max {
            marks.pop_front();
        }
        let mut index = Self { path, marks, dropped: 0, entries_max, lines };
        if text.last().is_some_and(|b| *b != b'\n') {
            // On a full disk the torn line stays; the next one added is then lost with it, and no terminal for that.
            if let Err(cause) = index.rewrite() {
                tracing::warn!(index = %index.path.display(), %cause, "a torn line could not be removed");
            }
        }
        Ok(index)
    }

    /// Marks cannot lie beyond the end of what they mark: a log may have lost its newest part with the machine.
    pub(super) fn clamp(&mut self, end: u64) {
        for mark in &mut self.marks {
            mark.offset = mark.offset.min(end);
        }
    }

    /// The number of marks ever made.
    pub(super) fn count(&self) -> u64 {
        self.dropped + self.marks.len() as u64
    }

    /// The mark with this number, or the oldest kept one after it, with its number.
    pub(super) fn get(&self, number: u64) -> Option<(u64, &Mark)> {
        let place = number.saturating_sub(self.dropped);
        let mark = self.marks.get(usize::try_from(place).ok()?)?;
        Some((place + self.dropped, mark))
    }

    /// The number of the first mark at or after an offset. Titles are marked a little late, so the marks are not
    /// quite in the order of their offsets.
    pub(super) fn first_at(&self, offset: u64) -> u64 {
        let place = self.marks.iter().position(|m| m.offset >= offset).unwrap_or(self.marks.len());
        self.dropped + place as u64
    }

    /// The newest mark of some kind.
    pub(super) fn newest(&self, wanted: impl Fn(&MarkKind) -> bool) -> Option<&Mark> {
        self.marks.iter().rev().find(|m| wanted(&m.kind))
    }

    /// Adds a mark. In memory it is there even if the disk is full.
    pub(super) fn push(&mut self, mark: Mark) -> io::Result<()> {
        let line = serde_json::to_string(&mark).map_err(io::Error::other)? + "\n";
        self.marks.push_back(mark);
        if self.marks.len() > self.entries_max {
            self.marks.pop_front();
            self.dropped += 1;
        }
        self.lines += 1;
        if self.lines > 2 * self.entries_max {
            return self.rewrite();
        }
        // Marks are rare: opening the file again costs less than a descriptor for each idle terminal.
        let mut file = File::options().create(true).append(true).mode(0o600).open(&self.path)?;
        file.write_all(line.as_bytes())
    }

    /// Writes only what is kept: a new file, then a rename.
    fn rewrite(&mut self) -> io::Result<()> {
        let temporary = self.path.with_extension("new");
        let mut file =
            File::options().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
        let mut text = Vec::new();
        for mark in &self.marks {
            serde_json::to_writer(&mut text, mark).map_err(io::Error::other)?;
            text.push(b'\n');
        }
        file.write_all(&text)?;
        fs::rename(&temporary, &self.path)?;
        self.lines = self.marks.len();
        Ok(())
    }
}
