//! Stopping the server of a data directory, and with `--all` its terminals.
//!
//! It tells the server by signal and the keeper by its socket; it needs neither database nor port.

use std::{io, process::ExitCode, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Resource, Signal, getrlimit, pidfd_open, pidfd_send_signal},
};

use super::{Error, directory, is_root, privilege::PrivilegeError};
use crate::{
    config::Config,
    keeper::{self, accounts::ShellAccount},
};

/// Stops the server, and with `all` everything that runs in its terminals.
///
/// # Errors
/// [`Error`].
pub fn stop(config: &Config, all: bool) -> Result<ExitCode, Error> {
    if !config.data.dir.is_dir() {
        let problem = format!(
            "{} does not exist: no server was ever started there; name its --data-dir",
            config.data.dir.display()
        );
        return Err(io::Error::new(io::ErrorKind::NotFound, problem).into());
    }
    match directory::holder(&config.data.dir)? {
        Some(pid) => stop_server(config, pid)?,
        None => println!("no server runs for {}", config.data.dir.display()),
    }
    if !all {
        return Ok(ExitCode::SUCCESS);
    }
    let grace = Duration::from_millis(config.terminal.close_grace_ms);
    // Also where no keeper runs: it may have been killed, and then nobody else finds what it left.
    let args = super::privilege::keeper_args(config)?;
    keeper::start(&args, getrlimit(Resource::Nofile))?;
    match keeper::stop_all(&args.dir, grace, &directory::terminals(&config.data.dir)) {
        Ok(survivors) if survivors.is_empty() => {
            println!("all terminals are ended; nothing of them is left");
            Ok(ExitCode::SUCCESS)
        }
        Ok(survivors) => {
            for survivor in survivors {
                eprintln!("could not end process {} ({})", survivor.pid, survivor.command.escape_debug());
            }
            Ok(ExitCode::FAILURE)
        }
        Err(cause) => Err(cause.into()),
    }
}

fn stop_server(config: &Config, pid: i32) -> Result<(), Error> {
    let process = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData).map_err(io::Error::from)?;
    let pidfd = match pidfd_open(process, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // It went away in between.
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(cause) => return Err(io::Error::from(cause).into()),
    };
    if is_root() && !runs_as(pid, &config.accounts.service_user)? {
        // The file belongs to the service user, who could have root end anything.
        let problem =
            format!("server.lock names process {pid}, which is not {}'s", config.accounts.service_user);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem).into());
    }
    pidfd_send_signal(&pidfd, Signal::TERM).map_err(io::Error::from)?;
    // Its own patience with clients and with PostgreSQL, and some more.
    let patience =
        Duration::from_millis(config.server.drain_ms + config.postgres.stop_ms) + Duration::from_secs(15);
    let patience = Timespec::try_from(patience).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&patience)).map_err(io::Error::from)? {
        0 => Err(io::Error::new(io::ErrorKind::TimedOut, format!("process {pid} does not stop")).into()),
        _ => {
            println!("the server (process {pid}) has stopped");
            Ok(())
        }
    }
}

fn runs_as(pid: i32, user: &str) -> Result<bool, Error> {
    let account = ShellAccount::named(user).map_err(PrivilegeError::from)?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next());
    Ok(uid == Some(account.uid.to_string().as_str()))
}
