//! Every error a caller can see: one enum of reasons, one table, one conversion to `tonic::Status`.
//!
//! It knows nothing about what the services do. Internal causes are logged here and never sent.

use std::{collections::HashMap, fmt, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "mosaic";

macro_rules! reasons {
    ($($name:ident $text:literal $code:ident $meaning:literal;)*) => {
        /// Why a call failed. Clients branch on it, so a name never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)*
        }

        impl Reason {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text that clients see.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The gRPC code that goes with it.
            pub fn code(self) -> Code {
                match self { $(Self::$name => Code::$code,)* }
            }

            /// What it means and what to do.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

reasons! {
    BadRequest "BAD_REQUEST" InvalidArgument "A field has a value that is not allowed; `BadRequest` names it. Correct it.";
    MessageTooLarge "MESSAGE_TOO_LARGE" ResourceExhausted "The request is larger than a message may be (`server.message_bytes_max`). Send less at once.";
    TokenMissing "TOKEN_MISSING" Unauthenticated "The call brought no `authorization: Bearer mosaic_...`.";
    TokenUnknown "TOKEN_UNKNOWN" Unauthenticated "The token is not, or no longer, known here. Get another.";
    TokenExpired "TOKEN_EXPIRED" Unauthenticated "The token's time is over. Get another.";
    CodeSpent "CODE_SPENT" Unauthenticated "The sign-in code was used, has expired, or never was. Make another.";
    RoleTooLow "ROLE_TOO_LOW" PermissionDenied "The token's role may not do this; `needs` names the role.";
    TokenReadOnly "TOKEN_READ_ONLY" PermissionDenied "The token may only read.";
    TokenLimited "TOKEN_LIMITED" PermissionDenied "The token is limited to one terminal.";
    HostRefused "HOST_REFUSED" PermissionDenied "A browser called this server by a name it does not know (`server.allowed_hosts`).";
    OriginRefused "ORIGIN_REFUSED" PermissionDenied "A page from elsewhere called this server (`server.allowed_origins`).";
    TerminalNotFound "TERMINAL_NOT_FOUND" NotFound "No such terminal in this workspace.";
    TokenNotFound "TOKEN_NOT_FOUND" NotFound "No such token in this workspace.";
    ViewerNotFound "VIEWER_NOT_FOUND" NotFound "No such reader at this terminal; it may have left.";
    ConversationNotFound "CONVERSATION_NOT_FOUND" NotFound "No such conversation in this workspace.";
    MessageNotFound "MESSAGE_NOT_FOUND" NotFound "No such message in this workspace, or not in this conversation.";
    ModelNotFound "MODEL_NOT_FOUND" NotFound "No model has this name. ListModels lists them.";
    JobNotFound "JOB_NOT_FOUND" NotFound "No such job in this workspace. ListJobs lists them.";
    AgentNotFound "AGENT_NOT_FOUND" NotFound "No such agent in this workspace. ListAgents lists them.";
    ProfileNotFound "PROFILE_NOT_FOUND" NotFound "No profile has this name. ListProfiles lists them.";
    CommandUnknown "COMMAND_UNKNOWN" NotFound "No slash command has this name; only in a `CommandError`. ListCommands lists them.";
    CommandNotFound "COMMAND_NOT_FOUND" NotFound "The program does not exist.";
    CwdNotFound "CWD_NOT_FOUND" NotFound "The working directory does not exist.";
    RepositoryNotFound "REPOSITORY_NOT_FOUND" NotFound "The directory does not exist, is no git repository, or is out of reach for the user that agents run as.";
    BaseNotFound "BASE_NOT_FOUND" NotFound "The repository has no such branch, tag or commit, or no commit at all.";
    GitMissing "GIT_MISSING" FailedPrecondition "git is not installed on the server's machine. Install it, or leave `repository` out.";
    GitFailed "GIT_FAILED" FailedPrecondition "git could not do it; the message has its own words.";
    CommandNotExecutable "COMMAND_NOT_EXECUTABLE" FailedPrecondition "The program exists, but the terminals' user may not run it, or it is not a program.";
    CwdNotAccessible "CWD_NOT_ACCESSIBLE" FailedPrecondition "The working directory exists, but the terminals' user may not enter it, or it is not a directory.";
    NameAmbiguous "NAME_AMBIGUOUS" FailedPrecondition "Several names begin like this; only in a `CommandError`. Type more of the name.";
    NameTaken "NAME_TAKEN" AlreadyExists "Another one has this name. Choose another, or leave it out.";
    RequestIdReused "REQUEST_ID_REUSED" AlreadyExists "The request_id belongs to a different request. Use a new one.";
    RequestIdSpent "REQUEST_ID_SPENT" AlreadyExists "The request was done before; its secret is shown only once.";
    TerminalQuota "TERMINAL_QUOTA" ResourceExhausted "The workspace has as many running terminals as it may. Close one.";
    ViewerQuota "VIEWER_QUOTA" ResourceExhausted "The terminal has as many readers as it may.";
    JobQuota "JOB_QUOTA" ResourceExhausted "The workspace has as many jobs that are not over as it may. Wait, or cancel some.";
    GenerationQuota "GENERATION_QUOTA" ResourceExhausted "As many answers are being generated as may. Wait for one, or stop one.";
    TokenBudget "TOKEN_BUDGET" ResourceExhausted "Today's budget of tokens is used or set aside. GetUsage shows it.";
    InputJournalFull "INPUT_JOURNAL_FULL" ResourceExhausted "The program does not read its input. Wait until it does, then send it again.";
    ReorderWindowFull "REORDER_WINDOW_FULL" ResourceExhausted "Too many calls of this writer wait for an earlier one.";
    TokenQuota "TOKEN_QUOTA" ResourceExhausted "The workspace has as many tokens as it may. Revoke one.";
    WorkspaceQuota "WORKSPACE_QUOTA" ResourceExhausted "The server has as many workspaces as it may.";
    SignInAttempts "SIGN_IN_ATTEMPTS" ResourceExhausted "Too many attempts to sign in. Wait a minute.";
    ServerBusy "SERVER_BUSY" ResourceExhausted "The server has as many calls at once as it may. Try later.";
    ProcessLimit "PROCESS_LIMIT" ResourceExhausted "The machine gave no further process or file descriptor.";
    CursorAhead "CURSOR_AHEAD" OutOfRange "The cursor is beyond the end of the log: the machine lost its newest part. Begin at `end`.";
    CursorExpired "CURSOR_EXPIRED" OutOfRange "The cursor is older than what is kept. Begin at `oldest`.";
    SequenceGap "SEQUENCE_GAP" FailedPrecondition "The writer's sequence skips; `expected` is the next one.";
    WriterUnknown "WRITER_UNKNOWN" FailedPrecondition "The writer is not known here and did not begin at 1. Begin anew with another writer id.";
    TerminalEnded "TERMINAL_ENDED" FailedPrecondition "The terminal has ended.";
    TerminalRunning "TERMINAL_RUNNING" FailedPrecondition "The terminal still runs. Close it first.";
    JobRunning "JOB_RUNNING" FailedPrecondition "The job runs. Wait for its end, or cancel it.";
    AgentEnded "AGENT_ENDED" FailedPrecondition "The agent does not run any more.";
    ProfileUnavailable "PROFILE_UNAVAILABLE" FailedPrecondition "The profile cannot be used on this server now; the message says why and what to do.";
    DependencyFailed "DEPENDENCY_FAILED" FailedPrecondition "A job that this one depends on did not succeed. Retry that one first.";
    DependencyCycle "DEPENDENCY_CYCLE" FailedPrecondition "The job would wait for itself.";
    MessageStreaming "MESSAGE_STREAMING" FailedPrecondition "The message is still being generated. Wait for its end, or stop it.";
    NoForegroundGroup "NO_FOREGROUND_GROUP" FailedPrecondition "No process group is in the foreground of the terminal.";
    OtherNode "OTHER_NODE" FailedPrecondition "Another server on the same database holds it; `node_id` names that server.";
    DatabaseUnavailable "DATABASE_UNAVAILABLE" Unavailable "The database does not answer. Try again soon.";
    KeeperUnavailable "KEEPER_UNAVAILABLE" Unavailable "The process that spawns terminals is not there. Try again soon.";
    ServerStopping "SERVER_STOPPING" Unavailable "The server is stopping. Try again soon.";
    DeadlineExceeded "DEADLINE_EXCEEDED" DeadlineExceeded "The call's deadline has passed.";
    MethodUnknown "METHOD_UNKNOWN" Unimplemented "The server has no such method: it is older than the client, or the name is wrong. Reflection lists them.";
    Internal "INTERNAL" Internal "The server failed; its log has the cause under the request id.";
}

/// An error on its way to a caller.
#[derive(Debug)]
pub struct Error(Box<Parts>);

/// In a box: an error is rare, and the results that may hold it are everywhere.
#[derive(Debug)]
struct Parts {
    reason: Reason,
    message: String,
    metadata: HashMap<String, String>,
    /// Field path and what is wrong with it.
    violation: Option<(String, String)>,
    /// What limit was hit: its subject.
    quota: Option<String>,
    /// Logged, never sent.
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a call answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error whose message says what was wrong and what to do.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violation: None,
            quota: None,
            cause: None,
        }))
    }

    /// A bad value in the request: `field` is its path in proto names.
    pub fn bad_request(field: impl Into<String>, problem: impl Into<String>) -> Self {
        let (field, problem) = (field.into(), problem.into());
        let mut error = Self::new(Reason::BadRequest, format!("{field}: {problem}"));
        error.0.violation = Some((field, problem));
        error
    }

    /// A limit was hit: `subject` names the setting.
    pub fn quota(reason: Reason, subject: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(reason, message);
        error.0.quota = Some(subject.into());
        error
    }

    /// A failure of the server's own; the cause is logged and never sent.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::caused(Reason::Internal, "internal error; the server's log has the cause", cause)
    }

    /// An error with a cause that is logged and never sent.
    pub fn caused(
        reason: Reason,
        message: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Self::new(reason, message);
        error.0.cause = Some(cause.into());
        error
    }

    /// Adds a fact for programs to `ErrorInfo.metadata`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same for a request inside of another: `path` is where it stands there.
    #[must_use]
    pub fn inside(mut self, path: &str) -> Self {
        if let Some((field, problem)) = &mut self.0.violation {
            *field = format!("{path}.{field}");
            self.0.message = format!("{field}: {problem}");
        }
        self
    }

    /// The text that callers see.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The stable reason.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason.as_str(), self.0.message)?;
        match &self.0.cause {
            Some(cause) => write!(f, " ({})", Chain(cause.as_ref())),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// A cause and what is behind it: PostgreSQL's own words are.
struct Chain<'a>(&'a (dyn std::error::Error + Send + Sync));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(behind) = cause {
            write!(f, ": {behind}")?;
            cause = behind.source();
        }
        Ok(())
    }
}

/// A broken connection is `DATABASE_UNAVAILABLE`; what PostgreSQL itself refuses, or what it answers and we cannot
/// read, is a defect of ours.
impl From<tokio_postgres::Error> for Error {
    fn from(cause: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let gone = match cause.code() {
            None => cause.is_closed() || is_broken_io(&cause),
            Some(code) => {
                matches!(
                    *code,
                    SqlState::ADMIN_SHUTDOWN
                        | SqlState::CRASH_SHUTDOWN
                        | SqlState::CANNOT_CONNECT_NOW
                        | SqlState::TOO_MANY_CONNECTIONS
                        | SqlState::READ_ONLY_SQL_TRANSACTION
                ) || code.code().starts_with("08")
            }
        };
        if gone { Self::database_unavailable(cause) } else { Self::internal(cause) }
    }
}

/// True if the connection failed, or was not made in time. The parser of PostgreSQL's messages has errors of this type,
/// too, for what makes no sense.
fn is_broken_io(cause: &tokio_postgres::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let causes = std::iter::successors(std::error::Error::source(cause), |cause| cause.source());
    let mut io = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.any(|io| !matches!(io.kind(), InvalidData | InvalidInput))
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(cause: deadpool_postgres::PoolError) -> Self {
        match cause {
            deadpool_postgres::PoolError::Backend(cause) => cause.into(),
            other => Self::database_unavailable(other),
        }
    }
}

impl Error {
    fn database_unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::caused(Reason::DatabaseUnavailable, "the database does not answer; try again soon", cause)
    }
}

/// Only `UNAVAILABLE` invites an automatic retry, after so long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let error = *error.0;
        let code = error.reason.code();
        if let Some(cause) = &error.cause {
            tracing::warn!(reason = error.reason.as_str(), cause = %Chain(cause.as_ref()), "call failed");
        }
        let message = cut(error.message);
        let metadata =
            error.metadata.into_iter().map(|(key, value)| (key, cut(value))).collect::<HashMap<_, _>>();
        let mut details = ErrorDetails::with_error_info(error.reason.as_str(), DOMAIN, metadata);
        if let Some((field, problem)) = error.violation {
            details.add_bad_request_violation(field, cut(problem));
        }
        if let Some(subject) = error.quota {
            details.add_quota_failure_violation(subject, message.clone());
        }
        if code == Code::Unavailable {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Self::with_error_details(code, message, details)
    }
}

/// Errors travel in headers, and clients refuse large ones: what a caller sent is not repeated at any length.
const TEXT_BYTES_MAX: usize = 1024;

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}
