//! After a kill: what the logs of answers hold that the database does not, and their honest end.
//!
//! At a start it runs before anybody can read; later for answers that nobody makes any more. Every event that anyone was shown is in a log or in the database; an event
//! that is in both is the same in both.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::Path,
    sync::Arc,
};

use super::{
    commands::{self, Done},
    event::{self, Answer, Event},
    generation::fill,
    prompt::tokens_of_bytes,
    provider::Usage,
    record::{Attempt, Counted, Message, State},
    store::{self, Chunk, Finished, Guard},
};
use crate::{
    db::{Db, changes::Changes},
    error::{Error, Result},
    ids::{MessageId, NodeId},
};

/// Ends what this server was generating when it was killed, and removes what logs there are. Answers of other servers
/// are left alone.
///
/// # Errors
/// The database, or the disk.
pub async fn replay(db: &Db, changes: &Changes, node: NodeId, root: &Path) -> Result<usize> {
    let interrupted = store::streaming_of(db, node, &[]).await?;
    let count = interrupted.len();
    let mut known: HashSet<_> = HashSet::new();
    for message in interrupted {
        known.insert(message.id);
        end(db, changes, message, Guard::Owner, Some(root)).await?;
    }
    tell_of_others(db, root, &known).await?;
    // Only now: a kill in between finds them again.
    match fs::remove_dir_all(root) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(Error::internal(cause)),
        _ => Ok(count),
    }
}

/// Ends an answer that nobody makes any more, with all that is known of it: in the database, and in a log in `root`.
///
/// # Errors
/// The database, or the disk.
pub async fn end(
    db: &Db,
    changes: &Changes,
    message: Message,
    guard: Guard,
    root: Option<&Path>,
) -> Result<Finished> {
    let lines = known_lines(db, message.id, root).await?;
    // Of a command it may be known what came of it, though nobody was told.
    let done = if message.command { commands::ending(db, &message).await? } else { None };
    let (message, chunk) = ended(message, lines, done)?;
    store::finish(changes, Arc::new(message), Arc::new(chunk), guard).await
}

/// Answers that another server has ended, because this one was away for longer than its lease, stay as they are: they
/// may have been read and built upon. Of what only the log has, nothing but a word is kept.
async fn tell_of_others(db: &Db, root: &Path, known: &HashSet<MessageId>) -> Result<()> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(MessageId));
    for id in ids.filter(|id| !known.contains(id)) {
        let log = read_log(&root.join(id.to_string())).map_err(Error::internal)?;
        let mut lines = BTreeMap::new();
        add(&mut lines, event::whole_lines(&log).0);
        // An answer that was stored, and killed before its log was removed, has its own end there, or none.
        let shown = lines.into_iter().rev().find(|(_, line)| {
            event::read(line).is_some_and(|numbered| !matches!(numbered.event, Event::Completed(_)))
        });
        let newest = shown.map_or(0, |(sequence, _)| sequence);
        let end = store::last_sequence(db, id).await?;
        if let Some(stored) = end.and_then(|end| end.checked_sub(1))
            && newest > stored
        {
            tracing::warn!(message = %id, events = newest - stored, "another server has ended an answer of this one, \
                which was away for too long: these events were not in the database");
        }
    }
    Ok(())
}

/// All events of an answer that are anywhere, by sequence, and the newest one that the database has.
struct Known {
    lines: BTreeMap<u64, Vec<u8>>,
    stored: u64,
}

async fn known_lines(db: &Db, message: MessageId, root: Option<&Path>) -> Result<Known> {
    let mut known = Known { lines: BTreeMap::new(), stored: 0 };
    loop {
        let chunks = store::lines(db, message, known.stored).await?;
        if chunks.is_empty() {
            break;
        }
        for lines in chunks {
            add(&mut known.lines, lines.as_bytes());
        }
        known.stored = known.lines.last_key_value().map_or(0, |(last, _)| *last);
    }
    if let Some(root) = root {
        let log = read_log(&root.join(message.to_string())).map_err(Error::internal)?;
        add(&mut known.lines, event::whole_lines(&log).0);
    }
    Ok(known)
}

fn add(known: &mut BTreeMap<u64, Vec<u8>>, lines: &[u8]) {
    for line in lines.split(|byte| *byte == b'\n') {
        if let Some((sequence, _)) = event::sequence_of(line) {
            known.entry(sequence).or_insert_with(|| line.to_vec());
        }
    }
}

/// The bytes of a log, whatever its files are.
fn read_log(dir: &Path) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    match fs::read_dir(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
        Ok(entries) => {
            for entry in entries {
                let path = entry?.path();
                if path.extension().is_some_and(|kind| kind == "seg") {
                    files.push(path);
                }
            }
        }
    }
    // Their names are their offsets, all of the same length.
    files.sort();
    let mut bytes = Vec::new();
    for file in files {
        bytes.extend(fs::read(file)?);
    }
    Ok(bytes)
}

/// The message as it is after the kill, and the events that the database does not have.
fn ended(mut message: Message, known: Known, done: Option<Done>) -> Result<(Message, Chunk)> {
    let mut answer = Answer::default();
    let mut missing = Vec::new();
    for (sequence, line) in &known.lines {
        // A machine that lost power may have lost some in between: what comes after a gap was never meant alone.
        if *sequence != answer.sequence + 1 {
            break;
        }
        let Some(numbered) = event::read(line) else { break };
        // The last event was about to be shown, and its message about to be stored.
        if let Event::Completed(completed) = numbered.event {
            append_line(&mut missing, line, *sequence, known.stored);
            let chunk = chunk(completed.id, known.stored, *sequence, &missing);
            return Ok((*completed, chunk));
        }
        answer.apply(*sequence, &numbered.event);
        append_line(&mut missing, line, *sequence, known.stored);
    }
    if answer.content_from.is_some() {
        answer.left.push(last_attempt(&answer, &message));
    }
    if let Some(done) = done.filter(|_| answer.done.is_none()) {
        let event = Event::CommandResult(Box::new(done));
        answer.apply(answer.sequence + 1, &event);
        event::write(&mut missing, answer.sequence, &event).map_err(Error::internal)?;
    }
    let (sequence, is_done) = (answer.sequence, answer.done.is_some());
    fill(&mut message, answer);
    // Whatever a command did before its result was written down is done.
    message.state = if is_done { State::Complete } else { State::Interrupted };
    message.last_sequence = sequence + 1;
    event::write_completed(&mut missing, message.last_sequence, &message).map_err(Error::internal)?;
    let chunk = chunk(message.id, known.stored, message.last_sequence, &missing);
    Ok((message, chunk))
}

fn append_line(missing: &mut Vec<u8>, line: &[u8], sequence: u64, stored: u64) {
    if sequence > stored {
        missing.extend_from_slice(line);
        missing.push(b'\n');
    }
}

fn chunk(message: MessageId, stored: u64, last: u64, lines: &[u8]) -> Chunk {
    Chunk { message, first: stored + 1, last, lines: String::from_utf8_lossy(lines).into_owned() }
}

/// The attempt that the kill cut off. Its model is the one after those that were left.
fn last_attempt(answer: &Answer, message: &Message) -> Attempt {
    let fallen = answer.left.last().map(|left| left.model.as_str());
    let place = fallen.and_then(|name| answer.candidates.iter().position(|candidate| candidate == name));
    let retried = answer.retrying;
    let place = place.map_or(0, |place| if retried { place } else { place + 1 });
    let output = tokens_of_bytes(answer.bytes());
    let counted = answer.counted.unwrap_or_else(|| Counted {
        usage: Usage { input: answer.input_tokens, output, ..Usage::default() },
        estimated: true,
    });
    Attempt {
        model: answer.candidates.get(place).cloned().unwrap_or_default(),
        status: 0,
        failure: None,
        message: String::new(),
        start_ms: message.create_ms,
        first_content_ms: None,
        duration_ms: 1,
        counted,
    }
}

#[cfg(test)]
mod tests;
