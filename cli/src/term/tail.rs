//! Where the last lines of a terminal's output begin.
//!
//! It knows nothing about printing them.

use mosaic_client::terminal::Terminal;

use crate::failure::Failure;

/// One read, going backwards.
const READ_BYTES: u64 = 256 * 1024;

/// The offset at which the last `lines` lines begin, or the oldest byte that is kept.
pub(crate) async fn lines(terminal: &Terminal, lines: u64) -> Result<u64, Failure> {
    let info = terminal.get().await?;
    let mut count = Count { wanted: lines, at_end: true };
    let mut end = info.output_end;
    while end > info.output_start {
        let start = end.saturating_sub(READ_BYTES).max(info.output_start);
        let data = read(terminal, start, end).await?;
        if let Some(index) = count.begin(&data) {
            return Ok(end - (data.len() - index) as u64);
        }
        if data.len() as u64 != end - start {
            // The oldest part went away while it was looked for.
            return Ok(end - data.len() as u64);
        }
        end = start;
    }
    Ok(end)
}

/// The bytes up to `end`, from `start` or from the end of a gap that begins there.
async fn read(terminal: &Terminal, start: u64, end: u64) -> Result<Vec<u8>, Failure> {
    let mut data = Vec::new();
    let mut offset = start;
    while offset < end {
        let length = u32::try_from(end - offset).unwrap_or(u32::MAX);
        let part = terminal.read_output(offset, length).await?;
        if part.offset != offset {
            data.clear();
        }
        if part.data.is_empty() {
            break;
        }
        offset = part.end_offset;
        data.extend_from_slice(&part.data);
    }
    data.truncate(usize::try_from(end - start).unwrap_or(usize::MAX));
    Ok(data)
}

/// Counts line ends from the end of the output.
struct Count {
    wanted: u64,
    at_end: bool,
}

impl Count {
    /// Where in `data`, which precedes what was seen so far, the first wanted line begins, if it does.
    fn begin(&mut self, data: &[u8]) -> Option<usize> {
        for (index, byte) in data.iter().enumerate().rev() {
            // The end of the last line begins no further one.
            let last = std::mem::take(&mut self.at_end);
            if *byte == b'\n' && !last {
                self.wanted = self.wanted.saturating_sub(1);
            }
            if self.wanted == 0 {
                return Some(if *byte == b'\n' { index + 1 } else { data.len() });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(wanted: u64, pieces: &[&str]) -> String {
        let whole = pieces.concat();
        let mut count = Count { wanted, at_end: true };
        let mut end = whole.len();
        for piece in pieces.iter().rev() {
            let start = end - piece.len();
            if let Some(index) = count.begin(piece.as_bytes()) {
                return whole[start + index..].to_owned();
            }
            end = start;
        }
        whole
    }

    #[test]
    fn the_last_lines() {
        assert_eq!(last(1, &["a\nb\nc\n"]), "c\n");
        assert_eq!(last(2, &["a\nb\nc\n"]), "b\nc\n");
        assert_eq!(last(1, &["a\nb\nc"]), "c", "an open line counts");
        assert_eq!(last(9, &["a\nb\n"]), "a\nb\n");
        assert_eq!(last(0, &["a\nb\n"]), "");
        assert_eq!(last(2, &["a\nb", "\nc", "\n"]), "b\nc\n", "over reads");
        assert_eq!(last(1, &["a\n", "c\n"]), "c\n");
        assert_eq!(last(3, &["\n\n\n"]), "\n\n\n");
    }
}
