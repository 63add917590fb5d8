//! The input journal of one terminal: what was accepted is typed once and in order, whoever is killed when.
//!
//! Two memfds that the keeper holds, too. `data` has the bytes; its *file position*, which belongs to the open
//! description and so to both processes, is how far they were typed: `sendfile` moves bytes and position in one
//! system call. `records` has a pair of slots for each writer with its highest sequence and where its input ends;
//! they are written in turns, so that one of them is always whole. Accept = append the bytes, write the slot, then
//! acknowledge. A kill before the slot leaves bytes that the next server cuts off; a kill after it leaves input that
//! is accepted, and a repetition of it is known by its sequence.
//!
//! It knows nothing about clients or time.

use std::{io, os::fd::BorrowedFd};

use rustix::{
    fs::{FallocateFlags, SeekFrom, fallocate, ftruncate, seek, sendfile},
    io::{Errno, pread, pwrite},
};
use uuid::Uuid;

use crate::ids::WriterId;

/// One slot: writer 16, sequence 8, end 8, turn 8, checksum 4, rest zero.
const SLOT_BYTES: usize = 64;
const SUMMED_BYTES: usize = 40;
/// Applied bytes are given back to the system in steps of this size.
const PUNCH_BYTES: u64 = 256 * 1024;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is in the journal now.
    Now,
    /// It was accepted before.
    Before,
}

/// Why an input was not accepted; nothing of it is in the journal.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The writer's next sequence is this one.
    #[error("sequence skips; expected {expected}")]
    Gap {
        /// The next sequence.
        expected: u64,
    },
    /// The writer is not known and did not begin at 1.
    #[error("unknown writer")]
    UnknownWriter,
    /// The program does not read, and the journal has no room.
    #[error("the journal is full")]
    Full,
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How far the pump has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// Everything accepted was typed.
    Done,
    /// The terminal takes no more at the moment.
    Blocked,
    /// There is more, but it was enough for once.
    More,
}

#[derive(Clone, Copy, Debug)]
struct Writer {
    id: WriterId,
    sequence: u64,
    end: u64,
    turn: u64,
}

/// The journal. Its owner locks it: accepting and pumping never run at once.
#[derive(Debug)]
pub struct Journal {
    writers: Vec<Writer>,
    writers_max: usize,
    bytes_max: u64,
    /// Where accepted input ends.
    end: u64,
    /// How far it was typed.
    applied: u64,
    punched: u64,
}

/// The two memfds.
#[derive(Clone, Copy, Debug)]
pub struct JournalFds<'a> {
    /// The bytes; its file position is how far they were typed.
    pub data: BorrowedFd<'a>,
    /// The slots.
    pub records: BorrowedFd<'a>,
}

impl Journal {
    /// The journal as the last server left it. What was not accepted is cut off.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(fds: JournalFds<'_>, writers_max: usize, bytes_max: u64) -> io::Result<Self> {
        let mut writers = Vec::new();
        let mut pair = [0; 2 * SLOT_BYTES];
        // All that are there: a former server may have allowed more.
        for place in 0.. {
            let n = pread(fds.records, &mut pair, slot_position(place, 0))?;
            if n == 0 {
                break;
            }
            let (one, other) = pair.split_at(SLOT_BYTES);
            match decode(one).into_iter().chain(decode(other)).max_by_key(|w| w.turn) {
                Some(writer) => writers.push(writer),
                None => break,
            }
        }
        let applied = seek(fds.data, SeekFrom::Current(0))?;
        let end = writers.iter().map(|w| w.end).max().unwrap_or(0).max(applied);
        ftruncate(fds.data, end)?;
        Ok(Self { writers, writers_max, bytes_max, end, applied, punched: 0 })
    }

    /// The highest sequence accepted from a writer; `None` if it is not known.
    pub fn highest(&self, writer: WriterId) -> Option<u64> {
        self.writers.iter().find(|w| w.id == writer).map(|w| w.sequence)
    }

    /// True if something accepted was not typed yet.
    pub fn pending(&self) -> bool {
        self.applied < self.end
    }

    /// Accepts input from a writer.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn accept(
        &mut self,
        fds: JournalFds<'_>,
        writer: WriterId,
        sequence: u64,
        data: &[u8],
    ) -> Result<Accepted, Refused> {
        let known = self.writers.iter().position(|w| w.id == writer);
        let highest = known.and_then(|place| self.writers.get(place)).map_or(0, |w| w.sequence);
        if sequence <= highest {
            return Ok(Accepted::Before);
        }
        if sequence != highest + 1 {
            return Err(match known {
                Some(_) => Refused::Gap { expected: highest + 1 },
                None => Refused::UnknownWriter,
            });
        }
        self.append(fds, known, writer, sequence, data)?;
        Ok(Accepted::Now)
    }

    /// Accepts input that nobody numbered: it is typed once if this returns.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn accept_unnumbered(&mut self, fds: JournalFds<'_>, data: &[u8]) -> Result<(), Refused> {
        let nobody = WriterId(Uuid::nil());
        let known = self.writers.iter().position(|w| w.id == nobody);
        let next = self.highest(nobody).unwrap_or(0) + 1;
        self.append(fds, known, nobody, next, data)
    }

    fn append(
        &mut self,
        fds: JournalFds<'_>,
        known: Option<usize>,
        id: WriterId,
        sequence: u64,
        data: &[u8],
    ) -> Result<(), Refused> {
        let length = data.len() as u64;
        if self.pending() && self.end - self.applied + length > self.bytes_max {
            return Err(Refused::Full);
        }
        let mut written = 0;
        while let Some(rest) = data.get(written..).filter(|rest| !rest.is_empty()) {
            written += pwrite(fds.data, rest, self.end + written as u64).map_err(io::Error::from)?;
        }
        let place = known.unwrap_or_else(|| self.place_for_new());
        let turn = self.writers.get(place).map_or(0, |w| w.turn) + 1;
        let writer = Writer { id, sequence, end: self.end + length, turn };
        // One small write within one page: it is whole or not there. The checksum is for everything else.
        pwrite(fds.records, &encode(&writer), slot_position(place, turn)).map_err(io::Error::from)?;
        match self.writers.get_mut(place) {
            Some(slot) => *slot = writer,
            None => self.writers.push(writer),
        }
        self.end += length;
        Ok(())
    }

    /// A free place, or that of the writer who has been silent longest. Never the one whose input ends last: that
    /// end is the journal's.
    fn place_for_new(&self) -> usize {
        if self.writers.len() < self.writers_max {
            return self.writers.len();
        }
        let silent = self.writers.iter().enumerate().min_by_key(|(_, w)| w.end);
        silent.map_or(0, |(place, _)| place)
    }

    /// Types what was accepted, at most `max` bytes.
    ///
    /// # Errors
    /// What the system says; EIO when no program has the terminal open.
    pub fn pump(&mut self, fds: JournalFds<'_>, master: BorrowedFd<'_>, max: u64) -> io::Result<Pumped> {
        let stop = self.end.min(self.applied + max);
        while self.applied < stop {
            let count = usize::try_from(stop - self.applied).unwrap_or(usize::MAX);
            match sendfile(master, fds.data, None, count) {
                Ok(0) | Err(Errno::AGAIN) => return Ok(Pumped::Blocked),
                Ok(n) => self.applied += n as u64,
                Err(Errno::INTR) => {}
                Err(cause) => return Err(cause.into()),
            }
        }
        self.give_back(fds);
        Ok(if self.pending() { Pumped::More } else { Pumped::Done })
    }

    fn give_back(&mut self, fds: JournalFds<'_>) {
        if self.applied - self.punched < PUNCH_BYTES {
            return;
        }
        let length = (self.applied - self.punched) / PUNCH_BYTES * PUNCH_BYTES;
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if fallocate(fds.data, flags, self.punched, length).is_ok() {
            self.punched += length;
        }
    }
}

fn slot_position(place: usize, turn: u64) -> u64 {
    (place * 2 * SLOT_BYTES) as u64 + (turn % 2) * SLOT_BYTES as u64
}

fn encode(writer: &Writer) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..16].copy_from_slice(writer.id.0.as_bytes());
    slot[16..24].copy_from_slice(&writer.sequence.to_le_bytes());
    slot[24..32].copy_from_slice(&writer.end.to_le_bytes());
    slot[32..40].copy_from_slice(&writer.turn.to_le_bytes());
    let sum = crc32fast::hash(&slot[..SUMMED_BYTES]);
    slot[SUMMED_BYTES..SUMMED_BYTES + 4].copy_from_slice(&sum.to_le_bytes());
    slot
}

fn decode(slot: &[u8]) -> Option<Writer> {
    let number = |at: usize| slot.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let sum = slot.get(SUMMED_BYTES..SUMMED_BYTES + 4)?.try_into().ok().map(u32::from_le_bytes)?;
    let turn = number(32)?;
    if turn == 0 || sum != crc32fast::hash(slot.get(..SUMMED_BYTES)?) {
        return None;
    }
    Some(Writer {
        id: WriterId(Uuid::from_slice(slot.get(..16)?).ok()?),
        sequence: number(16)?,
        end: number(24)?,
        turn,
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::fs::{MemfdFlags, fstat, memfd_create};

    use super::*;

    struct Fixture {
        data: OwnedFd,
        records: OwnedFd,
    }

    impl Fixture {
        fn new() -> Self {
            let memfd = |name| memfd_create(name, MemfdFlags::CLOEXEC).unwrap();
            Self { data: memfd("data"), records: memfd("records") }
        }

        fn fds(&self) -> JournalFds<'_> {
            JournalFds { data: self.data.as_fd(), records: self.records.as_fd() }
        }

        fn open(&self) -> Journal {
            Journal::open(self.fds(), 4, 1000).unwrap()
        }
    }

    #[test]
    fn a_repeated_sequence_is_accepted_once() {
        let f = Fixture::new();
        let mut journal = f.open();
        let writer = WriterId::new();
        assert_eq!(journal.accept(f.fds(), writer, 1, b"one").unwrap(), Accepted::Now);
        assert_eq!(journal.accept(f.fds(), writer, 1, b"one").unwrap(), Accepted::Before);
        assert_eq!(journal.end, 3);
        assert!(matches!(journal.accept(f.fds(), writer, 3, b"x"), Err(Refused::Gap { expected: 2 })));
        assert!(matches!(journal.accept(f.fds(), WriterId::new(), 2, b"x"), Err(Refused::UnknownWriter)));
    }

    #[test]
    fn the_next_server_knows_the_writers_and_cuts_what_was_not_accepted() {
        let f = Fixture::new();
        let (a, b) = (WriterId::new(), WriterId::new());
        let mut journal = f.open();
        for sequence in 1..=5 {
            journal.accept(f.fds(), a, sequence, b"aa").unwrap();
            journal.accept(f.fds(), b, sequence, b"b").unwrap();
        }
        // Killed between the bytes and the record.
        pwrite(&f.data, b"never accepted", journal.end).unwrap();
        let journal = f.open();
        assert_eq!((journal.highest(a), journal.highest(b)), (Some(5), Some(5)));
        assert_eq!(journal.end, 15);
        assert_eq!(fstat(&f.data).unwrap().st_size, 15);
    }

    #[test]
    fn a_torn_record_leaves_the_one_before_it() {
        let f = Fixture::new();
        let writer = WriterId::new();
        let mut journal = f.open();
        journal.accept(f.fds(), writer, 1, b"1").unwrap();
        journal.accept(f.fds(), writer, 2, b"2").unwrap();
        pwrite(&f.records, b"torn", slot_position(0, 2)).unwrap();
        let journal = f.open();
        assert_eq!(journal.highest(writer), Some(1));
        assert_eq!(journal.end, 1);
    }

    #[test]
    fn the_writer_who_is_silent_longest_makes_room() {
        let f = Fixture::new();
        let mut journal = f.open();
        let writers: Vec<WriterId> = (0..5).map(|_| WriterId::new()).collect();
        for writer in &writers {
            journal.accept(f.fds(), *writer, 1, b"x").unwrap();
        }
        let journal = f.open();
        assert_eq!(journal.highest(writers[0]), None);
        assert!(writers[1..].iter().all(|w| journal.highest(*w) == Some(1)));
        assert_eq!(journal.end, 5);
    }

    #[test]
    fn a_full_journal_refuses_and_keeps_what_it_has() {
        let f = Fixture::new();
        let mut journal = f.open();
        journal.accept_unnumbered(f.fds(), &[0; 900]).unwrap();
        assert!(matches!(journal.accept_unnumbered(f.fds(), &[0; 200]), Err(Refused::Full)));
        journal.accept_unnumbered(f.fds(), &[0; 100]).unwrap();
        assert_eq!(journal.end, 1000);
    }
}
