//! `mosaic.workspace.v1.WorkspaceService`: proto to domain and back.
//!
//! It knows no rule and no SQL: each handler parses, calls, converts.

use std::{pin::Pin, sync::Arc, time::SystemTime};

use futures_util::{Stream, stream};
use mosaic_proto::workspace::v1::{
    self as pb, agent_changed, conversation_changed, event::Payload, events_ended, job_changed,
    message_changed, terminal_changed, watch_events_response, workspace_service_server,
};
use tonic::{Request, Response, Status};

use super::{
    Token, TokenWish, Workspace, Workspaces,
    events::{Event, Start, Step, Watch},
    page::Page,
    parse,
    request::RequestId,
};
use crate::{
    auth::{Role, principal},
    error::{Error, Result},
    usage::Day,
};

/// The letters that keep the page tokens of the lists apart.
const WORKSPACES: u8 = b'w';
const TOKENS: u8 = b't';
/// How an event names what it is about.
const TERMINAL: &str = "TERMINAL";
const CONVERSATION: &str = "CONVERSATION";
const JOB: &str = "JOB";
const AGENT: &str = "AGENT";
const MESSAGE: &str = "MESSAGE";

/// The generated server around the service.
pub type Service = workspace_service_server::WorkspaceServiceServer<Handlers>;

/// The service to add to the server's routes.
pub fn service(workspaces: Arc<Workspaces>, message_bytes_max: usize, web_page: bool) -> Service {
    Service::new(Handlers { workspaces, web_page })
        .max_decoding_message_size(message_bytes_max)
        .max_encoding_message_size(message_bytes_max)
}

/// The handlers.
pub struct Handlers {
    workspaces: Arc<Workspaces>,
    /// The page for browsers is built in.
    web_page: bool,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl workspace_service_server::WorkspaceService for Handlers {
    async fn create_workspace(
        &self,
        request: Request<pb::CreateWorkspaceRequest>,
    ) -> Answer<pb::CreateWorkspaceResponse> {
        let who = principal(&request)?;
        let pb::CreateWorkspaceRequest { request_id, name } = request.into_inner();
        let name = parse::name("name", name)?;
        let id = RequestId::parse(request_id, "CreateWorkspace", &[name.as_bytes()])?;
        let (workspace, token, secret) = self.workspaces.create_workspace(&who, name, id).await?;
        Ok(Response::new(pb::CreateWorkspaceResponse {
            workspace: Some(workspace.into()),
            token: Some(token.into()),
            secret: secret.expose().to_owned(),
        }))
    }

    async fn list_workspaces(
        &self,
        request: Request<pb::ListWorkspacesRequest>,
    ) -> Answer<pb::ListWorkspacesResponse> {
        let who = principal(&request)?;
        let pb::ListWorkspacesRequest { page_size, page_token } = request.into_inner();
        let page = Page::parse(WORKSPACES, page_size, &page_token)?;
        let found = self.workspaces.list_workspaces(&who, page).await?;
        Ok(Response::new(pb::ListWorkspacesResponse {
            workspaces: found.items.into_iter().map(Into::into).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn create_token(
        &self,
        request: Request<pb::CreateTokenRequest>,
    ) -> Answer<pb::CreateTokenResponse> {
        let who = principal(&request)?;
        let (wish, id) = token_wish(request.into_inner())?;
        let (token, secret, warning) = self.workspaces.create_token(&who, wish, id).await?;
        Ok(Response::new(pb::CreateTokenResponse {
            token: Some(token.into()),
            secret: secret.expose().to_owned(),
            warning,
        }))
    }

    async fn list_tokens(&self, request: Request<pb::ListTokensRequest>) -> Answer<pb::ListTokensResponse> {
        let who = principal(&request)?;
        let pb::ListTokensRequest { page_size, page_token } = request.into_inner();
        let page = Page::parse(TOKENS, page_size, &page_token)?;
        let found = self.workspaces.list_tokens(&who, page).await?;
        Ok(Response::new(pb::ListTokensResponse {
            tokens: found.items.into_iter().map(Into::into).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn revoke_token(
        &self,
        request: Request<pb::RevokeTokenRequest>,
    ) -> Answer<pb::RevokeTokenResponse> {
        let who = principal(&request)?;
        let id = parse::token_id(&request.into_inner().token_id)?;
        let token = self.workspaces.revoke_token(&who, id).await?;
        Ok(Response::new(pb::RevokeTokenResponse { token: Some(token.into()) }))
    }

    async fn create_sign_in_code(
        &self,
        request: Request<pb::CreateSignInCodeRequest>,
    ) -> Answer<pb::CreateSignInCodeResponse> {
        let who = principal(&request)?;
        let (code, until) = self.workspaces.create_sign_in_code(&who).await?;
        Ok(Response::new(pb::CreateSignInCodeResponse {
            code: code.expose().to_owned(),
            expire_time: Some(until.into()),
        }))
    }

    async fn exchange_sign_in_code(
        &self,
        request: Request<pb::ExchangeSignInCodeRequest>,
    ) -> Answer<pb::ExchangeSignInCodeResponse> {
        let code = request.into_inner().code;
        let (token, secret) = self.workspaces.exchange_sign_in_code(&code).await?;
        Ok(Response::new(pb::ExchangeSignInCodeResponse {
            token: Some(token.into()),
            secret: secret.expose().to_owned(),
        }))
    }

    async fn who_am_i(&self, request: Request<pb::WhoAmIRequest>) -> Answer<pb::WhoAmIResponse> {
        let who = principal(&request)?;
        let (workspace, token) = self.workspaces.who_am_i(&who).await?;
        let account = self.workspaces.account();
        Ok(Response::new(pb::WhoAmIResponse {
            workspace: Some(workspace.into()),
            token: Some(token.into()),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            node_id: self.workspaces.node().to_string(),
            shell_user: account.shell_user.clone(),
            shares_account: account.shares_account,
            web_page: self.web_page,
        }))
    }

    async fn get_usage(&self, request: Request<pb::GetUsageRequest>) -> Answer<pb::GetUsageResponse> {
        let who = principal(&request)?;
        let days = parse::days(request.into_inner().days)?;
        let (usage, budget, daily) = self.workspaces.usage(&who, days).await?;
        Ok(Response::new(pb::GetUsageResponse {
            usage: usage.into_iter().map(Into::into).collect(),
            daily_budget_tokens: daily,
            used_today_tokens: budget.used,
            reserved_today_tokens: budget.reserved,
        }))
    }

    type WatchEventsStream = Pin<Box<dyn Stream<Item = Result<pb::WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<pb::WatchEventsRequest>,
    ) -> Answer<Self::WatchEventsStream> {
        let who = principal(&request)?;
        let start = watch_start(request.into_inner())?;
        let watch = self.workspaces.watch(who, start).await?;
        let steps = stream::try_unfold(watch, |mut watch: Watch| async move {
            Ok(watch.next().await?.map(|step| (step_response(step), watch)))
        });
        Ok(Response::new(Box::pin(steps)))
    }
}

fn token_wish(request: pb::CreateTokenRequest) -> Result<(TokenWish, Option<RequestId>)> {
    let role = parse::grantable(role_of(request.role()))?;
    let name = parse::name("name", request.name)?;
    let lifetime = match request.lifetime {
        None => None,
        Some(lifetime) => {
            let lifetime = lifetime.try_into().map_err(|_| {
                Error::bad_request("lifetime", "is not a positive span; give at least one second")
            })?;
            Some(parse::lifetime(lifetime)?)
        }
    };
    let terminal = Some(request.terminal_id).filter(|named| !named.is_empty());
    let read_only = request.read_only;
    let seconds = lifetime.map_or(0, |span| span.as_nanos()).to_be_bytes();
    let limited_to = terminal.as_deref().unwrap_or_default();
    let fields =
        [name.as_bytes(), role.as_str().as_bytes(), &seconds, limited_to.as_bytes(), &[read_only.into()]];
    let id = RequestId::parse(request.request_id, "CreateToken", &fields)?;
    Ok((TokenWish { name, role, lifetime, terminal, read_only }, id))
}

fn watch_start(request: pb::WatchEventsRequest) -> Result<Start> {
    let resource = |(index, number): (usize, &i32)| match pb::Resource::try_from(*number) {
        Ok(pb::Resource::Terminal) => Ok(TERMINAL),
        Ok(pb::Resource::Conversation) => Ok(CONVERSATION),
        Ok(pb::Resource::Message) => Ok(MESSAGE),
        Ok(pb::Resource::Job) => Ok(JOB),
        Ok(pb::Resource::Agent) => Ok(AGENT),
        Ok(pb::Resource::Unspecified) | Err(_) => {
            Err(Error::bad_request(format!("resources[{index}]"), "is unknown; leave it out for all"))
        }
    };
    let mut resources: Vec<_> = request.resources.iter().enumerate().map(resource).collect::<Result<_>>()?;
    resources.dedup();
    Ok(Start { after: request.after_sequence, resources, follow: request.follow.unwrap_or(true) })
}

fn step_response(step: Step) -> pb::WatchEventsResponse {
    use watch_events_response::Response;
    let ended = |reason: events_ended::Reason, sequence| {
        Response::Ended(pb::EventsEnded { reason: reason.into(), sequence })
    };
    let response = match step {
        Step::Opened(after_sequence, newest_sequence) => {
            Response::Opened(pb::EventsOpened { after_sequence, newest_sequence })
        }
        Step::Event(event) => Response::Event((*event).into()),
        Step::Heartbeat(sequence) => Response::Heartbeat(pb::EventsHeartbeat { sequence }),
        Step::CaughtUp(sequence) => ended(events_ended::Reason::CaughtUp, sequence),
        Step::ServerStopping(sequence) => ended(events_ended::Reason::ServerStopping, sequence),
    };
    pb::WatchEventsResponse { response: Some(response) }
}

impl From<Event> for pb::Event {
    fn from(event: Event) -> Self {
        let payload = payload(&event.resource, &event.kind, event.payload);
        Self {
            sequence: event.sequence,
            time: Some(event.time.into()),
            principal: Some(pb::Principal {
                token_id: event.principal.map(|id| id.to_string()).unwrap_or_default(),
                name: event.principal_name,
            }),
            payload,
        }
    }
}

/// What happened, in the words of the contract; `None` for what this version does not know.
fn payload(resource: &str, kind: &str, payload: serde_json::Value) -> Option<Payload> {
    match resource {
        TERMINAL => {
            use terminal_changed::Kind;
            let kind = Kind::from_str_name(&format!("KIND_{kind}")).unwrap_or_default();
            let terminal = crate::terminal::grpc::to_proto_record(payload);
            Some(Payload::Terminal(pb::TerminalChanged { kind: kind.into(), terminal }))
        }
        CONVERSATION => {
            use conversation_changed::Kind;
            let kind = Kind::from_str_name(&format!("KIND_{kind}")).unwrap_or_default();
            let conversation = crate::chat::grpc::to_proto_conversation(payload);
            Some(Payload::Conversation(pb::ConversationChanged { kind: kind.into(), conversation }))
        }
        MESSAGE => {
            use message_changed::Kind;
            let kind = Kind::from_str_name(&format!("KIND_{kind}")).unwrap_or_default();
            let message = crate::chat::grpc::to_proto_message(payload);
            Some(Payload::Message(pb::MessageChanged { kind: kind.into(), message }))
        }
        JOB => {
            use job_changed::Kind;
            let kind = Kind::from_str_name(&format!("KIND_{kind}")).unwrap_or_default();
            let job = crate::orchestrator::grpc::to_proto_job(payload);
            Some(Payload::Job(pb::JobChanged { kind: kind.into(), job }))
        }
        AGENT => {
            use agent_changed::Kind;
            let kind = Kind::from_str_name(&format!("KIND_{kind}")).unwrap_or_default();
            let agent = crate::orchestrator::grpc::to_proto_agent(payload);
            Some(Payload::Agent(pb::AgentChanged { kind: kind.into(), agent }))
        }
        _ => None,
    }
}

impl From<Workspace> for pb::Workspace {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            create_time: Some(workspace.create_time.into()),
        }
    }
}

impl From<Day> for pb::DayUsage {
    fn from(day: Day) -> Self {
        Self {
            day: day.day,
            model: day.model,
            input: day.usage.input,
            output: day.usage.output,
            cached: day.usage.cached,
            thinking: day.usage.thinking,
            attempts: day.attempts,
            estimated_attempts: day.estimated_attempts,
        }
    }
}

impl From<Token> for pb::Token {
    fn from(token: Token) -> Self {
        let time = |time: Option<SystemTime>| time.map(Into::into);
        Self {
            id: token.id.to_string(),
            name: token.name,
            role: role_number(token.role).into(),
            create_time: Some(token.create_time.into()),
            expire_time: time(token.expire_time),
            last_use_time: time(token.last_use_time),
            revoke_time: time(token.revoke_time),
            terminal_id: token.terminal.map(|id| id.to_string()).unwrap_or_default(),
            read_only: token.read_only,
        }
    }
}

fn role_number(role: Role) -> pb::Role {
    match role {
        Role::Viewer => pb::Role::Viewer,
        Role::Member => pb::Role::Member,
        Role::Admin => pb::Role::Admin,
        Role::Operator => pb::Role::Operator,
    }
}

fn role_of(role: pb::Role) -> Option<Role> {
    match role {
        pb::Role::Unspecified => None,
        pb::Role::Viewer => Some(Role::Viewer),
        pb::Role::Member => Some(Role::Member),
        pb::Role::Admin => Some(Role::Admin),
        pb::Role::Operator => Some(Role::Operator),
    }
}
