//! What a log keeps over losses that no other test can bring about: power, and disks that were full.
//!
//! It must not test what readers are told of it over the wire.

use std::{
    fs::{self, File},
    io::Write,
    os::fd::AsFd,
    sync::Arc,
};

use super::{Chunk, Limits, Log, MarkKind, Reader, segments::Segments};

const LIMITS: Limits = Limits { segment_bytes: 4096, bytes_max: 4 * 4096, index_entries_max: 100 };

fn append(log: &Log, bytes: &[u8]) {
    let (read, mut write) = std::io::pipe().unwrap();
    write.write_all(bytes).unwrap();
    assert_eq!(log.drain(read.as_fd(), Some(bytes.len() as u64)).unwrap(), bytes.len() as u64);
}

#[test]
fn marks_beyond_what_a_power_loss_left_are_told_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::create(directory.path(), LIMITS).unwrap();
    append(&log, b"0123456789");
    log.mark(MarkKind::Title { title: "lost".to_owned() }, None);
    log.mark(MarkKind::End, None);
    drop(log);
    let segment = directory.path().join(format!("{:020}.seg", 0));
    File::options().write(true).open(segment).unwrap().set_len(4).unwrap();

    let mut reader = Reader::new(Arc::new(Log::open(directory.path(), LIMITS).unwrap()), 0);
    let mut told = Vec::new();
    while let Some(chunk) = reader.read(100).unwrap() {
        told.push(match chunk {
            Chunk::Data { offset, bytes } => format!("{offset} {}", String::from_utf8_lossy(&bytes)),
            Chunk::Mark(mark) => format!("{} {:?}", mark.offset, mark.kind),
            gap @ Chunk::Gap { .. } => format!("{gap:?}"),
        });
    }
    assert_eq!(told, ["0 0123", "4 Title { title: \"lost\" }", "4 End"]);
    assert!(reader.at_end(), "a reader would wait for ever");
}

#[test]
fn a_hole_does_not_make_old_output_go() {
    let directory = tempfile::tempdir().unwrap();
    let mut segments = Segments::open(directory.path(), 100, 300).unwrap();
    segments.begin_at(0).unwrap();
    segments.appended(50);
    // Much longer than what is kept.
    segments.begin_at(10_000).unwrap();
    segments.appended(100);
    assert_eq!((segments.start(), segments.hole_bytes()), (0, 9_950));
    segments.begin_at(10_100).unwrap();
    segments.appended(100);
    assert_eq!(segments.start(), 0);
    segments.begin_at(10_200).unwrap();
    assert_eq!((segments.start(), segments.hole_bytes()), (10_000, 0));
}

#[test]
fn a_log_has_no_segment_before_its_first_byte() {
    let base = tempfile::tempdir().unwrap();
    let limits = Limits { segment_bytes: 65_536, bytes_max: 65_536, index_entries_max: 16 };
    let log = Log::create(&base.path().join("log"), limits).unwrap();
    let segments = || {
        let entries = fs::read_dir(base.path().join("log")).unwrap().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|suffix| suffix == "seg")).count()
    };
    let (read, write) = rustix::pipe::pipe().unwrap();
    assert_eq!((log.drain(read.as_fd(), None).unwrap(), segments()), (0, 0));
    rustix::io::write(&write, b"x").unwrap();
    assert_eq!((log.drain(read.as_fd(), None).unwrap(), segments()), (1, 1));
}

#[test]
fn what_is_appended_is_read_over_segments_and_a_failed_append_leaves_nothing() {
    let base = tempfile::tempdir().unwrap();
    let limits = Limits { segment_bytes: 100, bytes_max: u64::MAX / 2, index_entries_max: 1 };
    let log = Arc::new(Log::create(&base.path().join("log"), limits).unwrap());
    log.append(&[b'a'; 250]).unwrap();
    let mut reader = Reader::new(Arc::clone(&log), 0);
    let mut read = Vec::new();
    while let Some(Chunk::Data { bytes, .. }) = reader.read(64).unwrap() {
        read.extend_from_slice(&bytes);
    }
    assert_eq!(read, [b'a'; 250]);
    // The next segment cannot be made: what fits into this one must not stay either.
    let next = base.path().join("log").join(format!("{:020}.seg", 300));
    fs::create_dir(&next).unwrap();
    assert!(log.append(&[b'b'; 100]).is_err());
    fs::remove_dir(&next).unwrap();
    assert_eq!((log.end(), reader.read(64).unwrap()), (250, None));
    log.append(&[b'c'; 100]).unwrap();
    let mut read = Vec::new();
    while let Some(Chunk::Data { bytes, .. }) = reader.read(64).unwrap() {
        read.extend_from_slice(&bytes);
    }
    assert_eq!(read, [b'c'; 100]);
}
