//! The keeper's loop: one thread that waits for questions, ends of children and deadlines.
//!
//! It never reads or writes a terminal's data. It waits at most a second for a peer that does not read.

#![expect(unsafe_code, reason = "signalfd has no safe wrapper")]

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, epoll, poll},
    io::Errno,
    net::{
        AddressFamily, SocketFlags, accept_with,
        sockopt::{self, Timeout},
    },
    process::{Pid, PidfdFlags, pidfd_open},
};
use uuid::Uuid;

use super::{
    Settings,
    cgroup::Groups,
    closing::{Closings, World},
    exits::{self, ExitFiles},
    running::Runs,
    table::Table,
    wire::{self, Reply},
};

const LISTENER: u64 = 0;
const CHILD_ENDED: u64 = 1;
const FIRST_CONNECTION: u64 = 2;
/// Set in the token of an adopted child's pidfd; the rest counts up.
const ADOPTED: u64 = 1 << 63;
/// Connections at once: the server, its successor, a few commands.
const CONNECTIONS_MAX: usize = 16;
/// How long it waits for a peer that does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);
/// How often, and with what pause, it asks how an adopted child ended: the kernel tells once the new parent (init) has
/// reaped it, and some take seconds.
const ORPHAN_PATIENCE: u32 = 500;
const ORPHAN_PAUSE: Duration = Duration::from_millis(20);

/// A peer.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    pub(super) peer: i32,
    pub(super) owner: bool,
}

/// The server that has the masters.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
}

impl Owner {
    /// A pidfd is readable once its process has ended, and a pid that was used again cannot deceive it.
    fn alive(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        !matches!(poll(&mut fds, Some(&Timespec::default())), Ok(n) if n > 0)
    }
}

/// An adopted child that has ended, but whose end the kernel does not tell yet.
#[derive(Debug)]
struct Orphan {
    id: Uuid,
    tries: u32,
}

/// The process.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) settings: Settings,
    pub(super) table: Table,
    pub(super) listener: OwnedFd,
    pub(super) lock: OwnedFd,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) owner: Option<Owner>,
    pub(super) exits: ExitFiles,
    pub(super) closings: Closings,
    pub(super) groups: Groups,
    pub(super) runs: Runs,
    pub(super) epoll: OwnedFd,
    pub(super) stopping: Option<(u64, u64)>,
    pub(super) survivors: Vec<wire::Survivor>,
    child_ended: OwnedFd,
    adopted: HashMap<u64, Uuid>,
    orphans: Vec<Orphan>,
    next_token: u64,
}

impl Keeper {
    pub(super) fn new(
        settings: Settings,
        listener: OwnedFd,
        lock: OwnedFd,
        exits: ExitFiles,
        table: Table,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let child_ended = signal_fd(libc::SIGCHLD)?;
        watch(&epoll, &listener, LISTENER)?;
        watch(&epoll, &child_ended, CHILD_ENDED)?;
        let groups = Groups::find(&settings.args.dir);
        let mut keeper = Self {
            settings,
            table,
            listener,
            lock,
            connections: HashMap::new(),
            owner: None,
            exits,
            closings: Closings::default(),
            groups,
            runs: Runs::default(),
            epoll,
            stopping: None,
            survivors: Vec::new(),
            child_ended,
            adopted: HashMap::new(),
            orphans: Vec::new(),
            next_token: FIRST_CONNECTION,
        };
        let adopted: Vec<Uuid> = keeper
            .table
            .children
            .iter()
            .filter(|(_, c)| c.adopted && c.exit.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in adopted {
            keeper.watch_adopted(id)?;
        }
        Ok(keeper)
    }

    /// Serves until everything was ended on request.
    pub(super) fn run(mut self) -> io::Result<()> {
        // What ended while nobody waited (during an execve) left no new signal.
        self.collect_ended();
        let mut ready = Vec::with_capacity(64);
        loop {
            ready.clear();
            let timeout = self.timeout().and_then(|d| Timespec::try_from(d).ok());
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut ready), timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(cause) => return Err(cause.into()),
            }
            let tokens: Vec<u64> = ready.iter().map(|event| event.data.u64()).collect();
            for token in tokens {
                match token {
                    LISTENER => self.accept(),
                    CHILD_ENDED => {
                        // Only a wake-up: what ended is asked for below.
                        let mut record = [0; size_of::<libc::signalfd_siginfo>()];
                        let _ = rustix::io::read(&self.child_ended, &mut record);
                    }
                    token if token & ADOPTED != 0 => self.adopted_ended(token),
                    token => self.receive(token),
                }
            }
            self.collect_ended();
            self.ask_orphans();
            self.end_overdue_runs();
            self.finish_closings();
            // What a look found gone may have ended during it.
            self.collect_ended();
            if self.stopping.is_some() && self.closings.is_empty() && self.orphans.is_empty() {
                return self.say_goodbye();
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let orphans = (!self.orphans.is_empty()).then_some(ORPHAN_PAUSE);
        self.closings.due_in().into_iter().chain(orphans).chain(self.runs.due_in()).min()
    }

    fn accept(&mut self) {
        let Ok(socket) = accept_with(&self.listener, SocketFlags::CLOEXEC) else { return };
        let Ok(peer) = sockopt::socket_peercred(&socket) else { return };
        let uid = peer.uid.as_raw();
        if (uid != 0 && uid != self.settings.peer_uid) || self.connections.len() >= CONNECTIONS_MAX {
            return;
        }
        let _ = sockopt::set_socket_timeout(&socket, Timeout::Send, Some(SEND_TIMEOUT));
        let _ = sockopt::set_socket_send_buffer_size(&socket, wire::MESSAGE_BYTES_MAX * 2);
        // A failure here is out of memory; the peer sees a closed connection and tries again.
        let _ = self.add_connection(socket, peer.pid.as_raw_pid(), false);
    }

    pub(super) fn add_connection(&mut self, socket: OwnedFd, peer: i32, owner: bool) -> io::Result<()> {
        let token = self.next_token;
        self.next_token += 1;
        watch(&self.epoll, &socket, token)?;
        self.connections.insert(token, Connection { socket, peer, owner });
        Ok(())
    }

    fn receive(&mut self, token: u64) {
        let Some(connection) = self.connections.get(&token) else { return };
        match wire::receive::<wire::Request>(&connection.socket) {
            Ok(Some((request, fds))) => self.answer(token, request, fds),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Ok(None) | Err(_) => {
                self.connections.remove(&token);
            }
        }
    }

    /// Sends, and lets go of a peer that does not read.
    pub(super) fn reply(&mut self, token: u64, reply: &Reply, with_fds_of: Option<Uuid>) {
        let io = with_fds_of.and_then(|id| self.table.children.get(&id)).and_then(|c| c.io.as_ref());
        let fds = io.map(|io| io.fds());
        let sent = self.send(token, reply, fds.as_ref().map_or(&[], |f| f.as_slice()));
        if sent.is_err() {
            self.connections.remove(&token);
        }
    }

    /// Sends with these descriptors; a peer that is gone needs no answer.
    pub(super) fn send(&self, token: u64, reply: &Reply, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let Some(connection) = self.connections.get(&token) else { return Ok(()) };
        wire::send(&connection.socket, reply, fds)
    }

    /// Makes the peer the owner, unless another server that is alive has the masters.
    pub(super) fn own(&mut self, token: u64) -> Result<(), i32> {
        let Some(peer) = self.connections.get(&token).map(|c| c.peer) else { return Err(0) };
        if let Some(owner) = self.owner.as_ref().filter(|o| o.pid != peer && o.alive()) {
            return Err(owner.pid);
        }
        let pidfd =
            Pid::from_raw(peer).ok_or(Errno::SRCH).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
        let Ok(pidfd) = pidfd else { return Err(0) };
        self.owner = Some(Owner { pid: peer, pidfd });
        for connection in self.connections.values_mut() {
            connection.owner = false;
        }
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.owner = true;
        }
        Ok(())
    }

    pub(super) fn watch_adopted(&mut self, id: Uuid) -> io::Result<()> {
        let token = self.next_token | ADOPTED;
        self.next_token += 1;
        if let Some(io) = self.table.children.get(&id).and_then(|c| c.io.as_ref()) {
            watch(&self.epoll, &io.pidfd, token)?;
            self.adopted.insert(token, id);
        }
        Ok(())
    }

    fn adopted_ended(&mut self, token: u64) {
        let Some(id) = self.adopted.remove(&token) else { return };
        if let Some(io) = self.table.children.get(&id).and_then(|c| c.io.as_ref()) {
            let _ = epoll::delete(&self.epoll, &io.pidfd);
            self.orphans.push(Orphan { id, tries: 0 });
        }
    }

    /// The kernel tells how an orphan ended once its new parent has reaped it.
    fn ask_orphans(&mut self) {
        let mut known = Vec::new();
        self.orphans.retain_mut(|orphan| {
            let Some(child) = self.table.children.get(&orphan.id) else { return false };
            let Some(io) = child.io.as_ref() else { return false };
            let exit = exits::of_orphan(&io.pidfd);
            orphan.tries += 1;
            let told = exit.code.is_some() || exit.signal.is_some() || orphan.tries > ORPHAN_PATIENCE;
            if told {
                known.push((orphan.id, exit));
            }
            !told
        });
        for (id, exit) in known {
            self.ended(id, exit);
        }
    }

    /// Writes down how children ended, and only then lets go of them. Strays that were handed to us are let go.
    pub(super) fn collect_ended(&mut self) {
        while let Some((pid, exit)) = exits::next_ended() {
            let ours = |c: &super::table::Child| {
                c.leader.is_some_and(|l| l.pid == pid) && c.exit.is_none() && !c.adopted
            };
            let id = self.table.children.iter().find(|(_, c)| ours(c)).map(|(id, _)| *id);
            match id {
                Some(id) => self.ended(id, exit),
                None => self.program_ended(pid, exit),
            }
            exits::reap(pid);
        }
    }

    fn ended(&mut self, id: Uuid, mut exit: wire::Exit) {
        let Some(child) = self.table.children.get_mut(&id) else { return };
        exit.reason = child.reason.into();
        if let Err(cause) = self.exits.write(id, &exit) {
            tracing::error!(terminal = %id, %cause, "the exit record could not be written; it is in memory only");
        }
        child.exit = Some(exit);
        // From now on EIO on the master means the end.
        child.slave = None;
        let news = Reply { children: vec![child.describe(id)], ..Reply::default() };
        let owners: Vec<u64> = self.connections.iter().filter(|(_, c)| c.owner).map(|(t, _)| *t).collect();
        for token in owners {
            self.reply(token, &news, None);
        }
    }

    fn finish_closings(&mut self) {
        let world = World { account: &self.settings.account, table: &self.table, groups: &self.groups };
        for closed in self.closings.look(&world) {
            self.answer_run(&closed);
            let child = self.table.children.get_mut(&closed.id).map(|child| {
                child.ending = Some(closed.ending.clone());
                child.describe(closed.id)
            });
            for (token, id) in closed.askers {
                let reply = Reply {
                    children: child.iter().cloned().collect(),
                    survivors: closed.ending.survivors.clone(),
                    ending: Some(closed.ending.clone()),
                    ..Reply::ok(id)
                };
                self.reply(token, &reply, None);
            }
            self.groups.remove(closed.id);
            if closed.forget {
                self.let_go(closed.id);
            }
            // What an earlier close could not end may have ended since; what is left is looked for again. What only may
            // be a terminal's is looked for as a stray.
            if self.stopping.is_some() {
                self.survivors.extend(closed.ending.survivors.into_iter().filter(|s| !s.possible));
            }
        }
    }

    fn say_goodbye(mut self) -> io::Result<()> {
        if let Some((token, id)) = self.stopping {
            let reply = Reply { survivors: std::mem::take(&mut self.survivors), ..Reply::ok(id) };
            self.reply(token, &reply, None);
        }
        self.groups.finish();
        Ok(())
    }
}

fn watch(epoll: &OwnedFd, fd: impl AsFd, token: u64) -> io::Result<()> {
    Ok(epoll::add(epoll, fd, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?)
}

/// A descriptor that is readable when the signal has come; the signal itself stays blocked.
fn signal_fd(signal: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before use, and the new descriptor is owned by nobody else.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) == -1 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd == -1 { Err(io::Error::last_os_error()) } else { Ok(std::os::fd::FromRawFd::from_raw_fd(fd)) }
    }
}

/// The listening socket. A stale one of a keeper that is gone is replaced: the caller holds the lock.
pub(super) fn listen(path: &std::path::Path, peer_uid: u32) -> io::Result<OwnedFd> {
    use rustix::{fs, net};
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, net::SocketType::SEQPACKET, flags, None)?;
    net::bind(&socket, &net::SocketAddrUnix::new(path)?)?;
    fs::chmod(path, fs::Mode::RUSR | fs::Mode::WUSR)?;
    if rustix::process::geteuid().is_root() {
        fs::chown(path, Some(fs::Uid::from_raw(peer_uid)), None)?;
    }
    net::listen(&socket, i32::try_from(CONNECTIONS_MAX).unwrap_or(i32::MAX))?;
    Ok(socket)
}
