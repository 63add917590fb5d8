//! The keeper's answers, one function a question.
//!
//! It knows nothing about waiting; nothing here waits for more than a fork and an exec.

use std::{io, os::fd::OwnedFd, time::Duration};

use prost::Message;
use rustix::process::{Signal, kill_process_group};
use uuid::Uuid;

use super::{
    closing::Begin,
    serve::Keeper,
    spawn,
    table::{Child, ChildIo},
    tree::{self, Leader},
    upgrade,
    wire::{self, Ask, FailureKind, Reply},
};

impl Keeper {
    /// Answers one question, now or (closing) later.
    pub(super) fn answer(&mut self, token: u64, request: wire::Request, fds: Vec<OwnedFd>) {
        let id = request.id;
        let owner = self.connections.get(&token).is_some_and(|c| c.owner);
        let reply = match request.ask {
            Some(Ask::Hello(hello)) => Some(self.hello(token, id, hello)),
            Some(Ask::List(list)) => Some(self.list(id, &list)),
            Some(Ask::StopAll(stop)) => self.stop_all(token, id, &stop),
            Some(ask) if owner => self.answer_owner(token, id, ask, fds),
            _ => Some(Reply::failed(id, FailureKind::Refused, 0)),
        };
        if let Some(reply) = reply {
            self.reply(token, &reply, None);
        }
    }

    fn answer_owner(&mut self, token: u64, id: u64, ask: Ask, fds: Vec<OwnedFd>) -> Option<Reply> {
        match ask {
            Ask::Take(child) => self.take(token, id, &child.id),
            Ask::Spawn(spawn) => self.spawn(token, id, &spawn),
            Ask::Adopt(adopt) => Some(self.adopt(id, &adopt, fds)),
            Ask::Signal(signal) => Some(self.signal(id, &signal)),
            Ask::Close(close) => self.close(token, id, &close),
            Ask::Forget(child) => self.forget(token, id, &child.id),
            Ask::Upgrade(_) => self.upgrade(token, id),
            Ask::Run(run) => self.run_program(token, id, &run),
            Ask::Hello(_) | Ask::List(_) | Ask::StopAll(_) => {
                Some(Reply::failed(id, FailureKind::Refused, 0))
            }
        }
    }

    fn hello(&mut self, token: u64, id: u64, hello: wire::Hello) -> Reply {
        if hello.owner {
            if let Err(pid) = self.own(token) {
                let failure = wire::Failure { kind: FailureKind::OwnerAlive.into(), errno: 0, pid };
                return Reply { failure: Some(failure), ..Reply::ok(id) };
            }
            if self.table.database.is_empty() {
                self.table.database = hello.database;
            }
        }
        let keeper = self.table.keeper.as_bytes().to_vec();
        Reply { database: self.table.database.clone(), keeper, ..Reply::ok(id) }
    }

    /// In the order of the ids, so that a child which comes or goes meanwhile shifts no page.
    fn list(&self, id: u64, list: &wire::List) -> Reply {
        let after = Uuid::from_slice(&list.after).ok();
        let mut ids: Vec<Uuid> =
            self.table.children.keys().filter(|id| Some(**id) > after).copied().collect();
        ids.sort_unstable();
        let (mut children, mut bytes, mut more) = (Vec::new(), 0, false);
        for (id, child) in ids.iter().filter_map(|id| Some((id, self.table.children.get(id)?))) {
            if list.paged && bytes >= wire::LIST_BYTES_MAX {
                more = true;
                break;
            }
            let described = child.describe(*id);
            bytes += described.encoded_len();
            children.push(described);
        }
        Reply { children, more, ..Reply::ok(id) }
    }

    fn take(&mut self, token: u64, id: u64, child: &[u8]) -> Option<Reply> {
        let found = Uuid::from_slice(child).ok().and_then(|c| Some((c, self.table.children.get(&c)?)));
        let Some((uuid, child)) = found else {
            return Some(Reply::failed(id, FailureKind::NoChild, 0));
        };
        let reply = Reply { children: vec![child.describe(uuid)], ..Reply::ok(id) };
        self.reply(token, &reply, Some(uuid));
        None
    }

    fn spawn(&mut self, token: u64, id: u64, spawn: &wire::Spawn) -> Option<Reply> {
        let Ok(uuid) = Uuid::from_slice(&spawn.id) else {
            return Some(Reply::failed(id, FailureKind::Refused, 0));
        };
        if self.stopping.is_some() {
            return Some(Reply::failed(id, FailureKind::Busy, 0));
        }
        if !self.table.children.contains_key(&uuid) {
            let (account, nofile) = (&self.settings.account, self.settings.nofile());
            let spawned = match spawn::spawn(spawn, uuid, &self.groups, account, nofile) {
                Ok(spawned) => spawned,
                Err(cause) => return Some(spawn_failed(id, &cause)),
            };
            let child = Child {
                leader: Leader::new(spawned.pid, spawned.start_time),
                io: Some(spawned.io),
                slave: Some(spawned.slave),
                exit: None,
                adopted: false,
                reason: wire::Reason::Exited,
                bounds: Some(spawned.bounds),
                ending: None,
            };
            self.table.children.insert(uuid, child);
        }
        self.take(token, id, &spawn.id)
    }

    fn adopt(&mut self, id: u64, adopt: &wire::Adopt, fds: Vec<OwnedFd>) -> Reply {
        let (Ok(uuid), Some(io)) = (Uuid::from_slice(&adopt.id), ChildIo::from_fds(fds)) else {
            return Reply::failed(id, FailureKind::Refused, 0);
        };
        // A child of this keeper's own, or one that it has adopted before: a server that came back offers all it has.
        if let Some(child) = self.table.children.get(&uuid).filter(|c| c.io.is_some()) {
            return Reply { children: vec![child.describe(uuid)], ..Reply::ok(id) };
        }
        // An exit file that the former keeper left says more than the kernel can.
        let exit = self.table.children.get(&uuid).and_then(|c| c.exit);
        let slave =
            if exit.is_none() { spawn::open_slave(std::os::fd::AsFd::as_fd(&io.master)).ok() } else { None };
        let child = Child {
            leader: Leader::new(adopt.pid, adopt.start_time),
            io: Some(io),
            slave,
            exit,
            adopted: true,
            reason: wire::Reason::Exited,
            bounds: None,
            ending: None,
        };
        let child = self.table.children.entry(uuid).insert_entry(child);
        let reply = Reply { children: vec![child.get().describe(uuid)], ..Reply::ok(id) };
        if exit.is_none()
            && let Err(cause) = self.watch_adopted(uuid)
        {
            return Reply::failed(id, FailureKind::System, errno(&cause));
        }
        reply
    }

    fn signal(&mut self, id: u64, ask: &wire::Signal) -> Reply {
        let child = Uuid::from_slice(&ask.id).ok().and_then(|id| self.table.children.get(&id));
        let Some(io) = child.filter(|c| c.exit.is_none()).and_then(|c| c.io.as_ref()) else {
            return Reply::failed(id, FailureKind::NoChild, 0);
        };
        let Some(signal) = Signal::from_named_raw(ask.signal) else {
            return Reply::failed(id, FailureKind::Refused, libc::EINVAL);
        };
        let Ok(group) = rustix::termios::tcgetpgrp(&io.master) else {
            return Reply::failed(id, FailureKind::NoForeground, 0);
        };
        let send = || kill_process_group(group, signal).err().map_or(0, rustix::io::Errno::raw_os_error);
        match self.settings.account.as_shell_user(send) {
            0 => Reply { process_group: group.as_raw_pid(), ..Reply::ok(id) },
            libc::ESRCH => Reply::failed(id, FailureKind::NoForeground, 0),
            errno => Reply::failed(id, FailureKind::System, errno),
        }
    }

    /// Also for a terminal that is not in the table: its remains are found by their mark.
    fn close(&mut self, token: u64, id: u64, ask: &wire::Close) -> Option<Reply> {
        let Ok(uuid) = Uuid::from_slice(&ask.id) else {
            return Some(Reply::failed(id, FailureKind::Refused, 0));
        };
        let child = self.table.children.get_mut(&uuid);
        let (leader, own) = child.as_ref().map_or((None, false), |c| (c.leader, !c.adopted));
        if let Some(child) = child.filter(|c| c.exit.is_none() && c.reason == wire::Reason::Exited) {
            child.reason = ask.reason();
        }
        let begin = Begin {
            leader,
            own,
            grace: Duration::from_millis(ask.grace_ms),
            terminate: ask.terminate,
            tracking: self.groups.tracking(uuid).max(ask.tracking()),
        };
        self.closings.begin(uuid, &begin, Some((token, id)));
        None
    }

    /// One that is being closed is forgotten when that is done: who forgets it is to know how it went, since who asked
    /// for it may have been killed.
    fn forget(&mut self, token: u64, id: u64, child: &[u8]) -> Option<Reply> {
        let Ok(uuid) = Uuid::from_slice(child) else {
            return Some(Reply::failed(id, FailureKind::Refused, 0));
        };
        if self.table.children.get(&uuid).is_some_and(|c| c.exit.is_none()) {
            return Some(Reply::failed(id, FailureKind::Refused, libc::EBUSY));
        }
        if self.closings.forget_after(uuid, (token, id)) {
            return None;
        }
        let ending = self.table.children.get(&uuid).and_then(|c| c.ending.clone());
        self.let_go(uuid);
        Some(Reply { ending, ..Reply::ok(id) })
    }

    pub(super) fn let_go(&mut self, uuid: Uuid) {
        let empty = self.groups.tracking(uuid) != wire::Tracking::ProcessTable && self.groups.is_empty(uuid);
        let proven = empty || self.table.children.get(&uuid).is_some_and(Child::is_proven_gone);
        self.table.forget(uuid, proven);
        self.groups.tidy(|id| self.table.children.contains_key(&id));
        self.exits.remove(uuid);
    }

    fn upgrade(&mut self, token: u64, id: u64) -> Option<Reply> {
        if !self.closings.is_empty() || !self.runs.is_empty() || self.stopping.is_some() {
            return Some(Reply::failed(id, FailureKind::Busy, 0));
        }
        match upgrade::needed(&self.settings) {
            Ok(false) => return Some(Reply::ok(id)),
            Ok(true) => {}
            Err(cause) => return Some(Reply::failed(id, FailureKind::System, errno(&cause))),
        }
        self.reply(token, &Reply { upgrading: true, ..Reply::ok(id) }, None);
        let cause = upgrade::replace(self);
        // Still the old program: nothing has changed for anybody.
        tracing::error!(%cause, "the keeper could not replace itself");
        None
    }

    fn stop_all(&mut self, token: u64, id: u64, stop: &wire::StopAll) -> Option<Reply> {
        let begin = |leader, own, id| Begin {
            leader,
            own,
            grace: Duration::from_millis(stop.grace_ms),
            terminate: false,
            tracking: self.groups.tracking(id),
        };
        for (uuid, child) in &mut self.table.children {
            if child.exit.is_none() && child.reason == wire::Reason::Exited {
                child.reason = wire::Reason::Killed;
            }
            self.closings.begin(*uuid, &begin(child.leader, !child.adopted, *uuid), None);
        }
        let also = stop.also.iter().filter_map(|id| Uuid::from_slice(id).ok()).chain(self.groups.children());
        for uuid in also {
            if !self.table.children.contains_key(&uuid) {
                self.closings.begin(uuid, &begin(None, false, uuid), None);
            }
        }
        self.closings.begin(tree::STRAYS, &begin(None, false, tree::STRAYS), None);
        self.end_all_runs(Duration::from_millis(stop.grace_ms));
        self.stopping = Some((token, id));
        None
    }
}

pub(super) fn spawn_failed(id: u64, cause: &spawn::Error) -> Reply {
    let (kind, cause) = match cause {
        spawn::Error::Cwd(cause) => (FailureKind::Cwd, cause),
        spawn::Error::Exec(cause) => (FailureKind::Exec, cause),
        spawn::Error::System(cause) => (FailureKind::System, cause),
    };
    Reply::failed(id, kind, errno(cause))
}

pub(super) fn errno(cause: &io::Error) -> i32 {
    cause.raw_os_error().unwrap_or(libc::EIO)
}
