//! Programs to run in a terminal, made of what every Linux has, and what they must print.
//!
//! It must not know how they are started or read.

/// A command line that prints the numbers 1 to `last`, one a line.
pub fn numbered_lines(last: u64) -> String {
    format!("exec seq {last}")
}

/// What [`numbered_lines`] looks like in a terminal's output, byte for byte: a terminal ends lines with CR LF.
pub fn numbered_lines_output(last: u64) -> Vec<u8> {
    use std::io::Write;
    let mut output = Vec::new();
    for number in 1..=last {
        // Writing into a vector does not fail.
        let _ = write!(output, "{number}\r\n");
    }
    output
}

/// A command line that reads `bytes` bytes exactly as they were typed and prints their SHA-256 in hex; then it reads on
/// to the next newline and prints `rest [...]` with what came before that.
///
/// It prints `ready` when it is: what is typed before would still be edited and echoed by the terminal.
pub fn hash_of_input(bytes: u64) -> String {
    format!(
        "stty raw -echo; echo ready; head -c {bytes} | sha256sum; IFS= read -r rest; echo \"rest [$rest]\"; stty sane"
    )
}

/// A command line that no hang-up ends: only SIGKILL does. It prints `ready` when it is.
pub fn ignores_hangup() -> String {
    "trap '' HUP TERM INT; echo ready; while :; do sleep 3600; done".to_owned()
}

/// A command line that leaves a process in another session behind, beyond the reach of the terminal's signals.
/// It prints that process's id.
pub fn leaves_a_daemon() -> String {
    "setsid sh -c 'trap \"\" HUP; echo $$; exec sleep 3600' & wait".to_owned()
}
