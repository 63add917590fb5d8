//! A log of bytes in segment files: `<base offset>.seg`, each at most one segment long.
//!
//! The length of the newest file is the commit point; there is nothing else to keep in step. A file whose base is
//! beyond the end of the one before it tells of a hole. It knows nothing about what the bytes mean.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};

/// One file.
#[derive(Clone, Debug)]
struct Segment {
    base: u64,
    length: u64,
}

impl Segment {
    fn end(&self) -> u64 {
        self.base + self.length
    }
}

/// All files of one log, and the newest one open for appending.
#[derive(Debug)]
pub(super) struct Segments {
    dir: PathBuf,
    segment_bytes: u64,
    bytes_max: u64,
    files: VecDeque<Segment>,
    tail: Option<Arc<File>>,
}

/// What is at an offset.
#[derive(Debug)]
pub(super) enum At {
    /// Bytes from here to `end`, in this file whose first byte has the offset `base`.
    Bytes { file: Arc<File>, base: u64, end: u64 },
    /// Nothing is kept from here to this offset.
    Gap(u64),
    /// The end of the log.
    End,
}

impl Segments {
    pub(super) fn open(dir: &Path, segment_bytes: u64, bytes_max: u64) -> io::Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let base = name.to_str().and_then(|n| n.strip_suffix(".seg")).and_then(|n| n.parse().ok());
            if let Some(base) = base {
                files.push(Segment { base, length: entry.metadata()?.len() });
            }
        }
        files.sort_by_key(|s| s.base);
        Ok(Self { dir: dir.to_owned(), segment_bytes, bytes_max, files: files.into(), tail: None })
    }

    pub(super) fn start(&self) -> u64 {
        self.files.front().map_or(0, |s| s.base)
    }

    pub(super) fn end(&self) -> u64 {
        self.files.back().map_or(0, Segment::end)
    }

    /// Bytes between the start and the end that are not kept.
    pub(super) fn hole_bytes(&self) -> u64 {
        let kept: u64 = self.files.iter().map(|s| s.length).sum();
        self.end() - self.start() - kept
    }

    /// Where the next bytes go: the file, the position in it, and how many fit.
    pub(super) fn target(&mut self) -> io::Result<(Arc<File>, u64, usize)> {
        let file = self.tail_with_room()?;
        let length = self.files.back().map_or(0, |s| s.length);
        let room = self.segment_bytes.saturating_sub(length);
        Ok((file, length, usize::try_from(room).unwrap_or(usize::MAX)))
    }

    /// So many bytes were put there.
    pub(super) fn appended(&mut self, bytes: u64) {
        if let Some(tail) = self.files.back_mut() {
            tail.length += bytes;
        }
    }

    /// Forgets what lies beyond an offset, as far as nobody was told of it: an append that failed.
    pub(super) fn cut(&mut self, end: u64) {
        while self.files.len() > 1 && self.files.back().is_some_and(|s| s.base >= end) {
            if let Some(newest) = self.files.pop_back() {
                self.tail = None;
                // A file that stays is begun anew when its turn comes.
                let _ = File::options().write(true).open(self.path(newest.base)).and_then(|f| f.set_len(0));
                let _ = fs::remove_file(self.path(newest.base));
            }
        }
        if let Some(last) = self.files.back_mut() {
            last.length = end - last.base;
            let file = File::options().write(true).open(self.dir.join(format!("{:020}.seg", last.base)));
            let _ = file.and_then(|file| file.set_len(end - last.base));
        }
    }

    /// Begins a new file at an offset: the next one, or one after a hole.
    pub(super) fn begin_at(&mut self, base: u64) -> io::Result<Arc<File>> {
        let path = self.path(base);
        let file =
            File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        // A full disk shows here, where nothing is lost yet, and not inside a splice.
        match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, self.segment_bytes) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(cause) => {
                if file.metadata()?.len() == 0 {
                    fs::remove_file(&path)?;
                }
                return Err(cause.into());
            }
        }
        let file = Arc::new(file);
        if self.files.back().is_none_or(|s| s.base != base) {
            self.files.push_back(Segment { base, length: 0 });
        }
        self.tail = Some(Arc::clone(&file));
        self.drop_oldest()?;
        Ok(file)
    }

    fn tail_with_room(&mut self) -> io::Result<Arc<File>> {
        let room = self.files.back().is_some_and(|s| s.length < self.segment_bytes);
        match &self.tail {
            Some(file) if room => Ok(Arc::clone(file)),
            _ if room => self.begin_at(self.files.back().map_or(0, |s| s.base)),
            _ => self.begin_at(self.end()),
        }
    }

    /// Gives back the room beyond the end: nothing more comes.
    pub(super) fn trim(&mut self) {
        if let (Some(file), Some(last)) = (self.tail.take(), self.files.back()) {
            // The room is only not given back where it fails.
            let _ = file.set_len(last.length);
        }
    }

    fn drop_oldest(&mut self) -> io::Result<()> {
        // What is kept counts, not what a hole spans.
        let kept = |files: &VecDeque<Segment>| files.iter().map(|s| s.length).sum::<u64>();
        while self.files.len() > 1 && kept(&self.files) + self.segment_bytes > self.bytes_max {
            if let Some(oldest) = self.files.pop_front() {
                fs::remove_file(self.path(oldest.base))?;
            }
        }
        Ok(())
    }

    /// What is at an offset; `hole_end` is where an open hole at the end of the log reaches.
    pub(super) fn at(&self, offset: u64, hole_end: u64) -> io::Result<At> {
        let next = self.files.partition_point(|s| s.base <= offset);
        if let Some(segment) = next.checked_sub(1).and_then(|i| self.files.get(i))
            && offset < segment.end()
        {
            let open_tail = self.tail.as_ref().filter(|_| next == self.files.len());
            let file = match open_tail {
                Some(file) => Arc::clone(file),
                None => Arc::new(File::open(self.path(segment.base))?),
            };
            return Ok(At::Bytes { file, base: segment.base, end: segment.end() });
        }
        Ok(match self.files.get(next) {
            Some(segment) => At::Gap(segment.base),
            None if offset < hole_end => At::Gap(hole_end),
            None => At::End,
        })
    }

    fn path(&self, base: u64) -> PathBuf {
        self.dir.join(format!("{base:020}.seg"))
    }
}

/// Reads at most `max` bytes of a file.
pub(super) fn read_at(file: &File, position: u64, max: usize) -> io::Result<Vec<u8>> {
    // Not filled with zeros first: this is the path of every byte to every reader.
    let mut bytes = Vec::with_capacity(max);
    rustix::io::pread(file, rustix::buffer::spare_capacity(&mut bytes), position)?;
    Ok(bytes)
}
