//! `mosaic.orchestrator.v1.OrchestratorService`: proto to domain and back.
//!
//! It knows no rule and no SQL: each handler parses, calls, converts.

mod parse;
mod show;

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt};
use mosaic_proto::orchestrator::v1::{self as pb, orchestrator_service_server};
use tonic::{Request, Response, Status};

pub(crate) use show::{show_agent, show_job, show_queue, to_proto_agent, to_proto_job};

use self::show::show_profile;
use super::Orchestrator;
use crate::{auth::principal, error::Result, terminal, workspace::page::Page};

/// The letters that keep the page tokens of the lists apart.
const JOBS: u8 = b'j';
const AGENTS: u8 = b'a';

/// The generated server around the service.
pub type Service = orchestrator_service_server::OrchestratorServiceServer<Handlers>;

/// The service to add to the server's routes.
pub fn service(orchestrator: Arc<Orchestrator>, message_bytes_max: usize) -> Service {
    Service::new(Handlers { orchestrator, message_bytes_max })
        .max_decoding_message_size(message_bytes_max)
        .max_encoding_message_size(message_bytes_max)
}

/// The handlers.
pub struct Handlers {
    orchestrator: Arc<Orchestrator>,
    message_bytes_max: usize,
}

type Answer<T> = Result<Response<T>, Status>;
type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl orchestrator_service_server::OrchestratorService for Handlers {
    async fn list_profiles(
        &self,
        request: Request<pb::ListProfilesRequest>,
    ) -> Answer<pb::ListProfilesResponse> {
        let who = principal(&request)?;
        let profiles = self.orchestrator.profiles(&who)?;
        Ok(Response::new(pb::ListProfilesResponse {
            profiles: profiles.all().map(show_profile).collect(),
            default_profile: profiles.default_name().to_owned(),
        }))
    }

    async fn spawn_agent(&self, request: Request<pb::SpawnAgentRequest>) -> Answer<pb::SpawnAgentResponse> {
        let who = principal(&request)?;
        let wish = parse::wish(request.into_inner())?;
        let (job, agent) = self.orchestrator.spawn(&who, wish).await?;
        let agent = agent.map(|agent| show_agent(agent, String::new()));
        Ok(Response::new(pb::SpawnAgentResponse { job: Some(show_job(job)), agent }))
    }

    async fn get_job(&self, request: Request<pb::GetJobRequest>) -> Answer<pb::GetJobResponse> {
        let who = principal(&request)?;
        let job = self.orchestrator.job(&who, &request.into_inner().job_id).await?;
        Ok(Response::new(pb::GetJobResponse { job: Some(show_job(job)) }))
    }

    async fn list_jobs(&self, request: Request<pb::ListJobsRequest>) -> Answer<pb::ListJobsResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let page = Page::parse(JOBS, request.page_size, &request.page_token)?;
        let states = parse::job_states(&request.states)?;
        let labels = request.labels.into_iter().collect();
        let (found, sequence) = self.orchestrator.jobs(&who, &page, &states, &labels).await?;
        let found = page.shorten(found, self.message_bytes_max / 2, |one| one.job.id.0, show::size);
        Ok(Response::new(pb::ListJobsResponse {
            jobs: found.items.into_iter().map(show::show_job_in_list).collect(),
            next_page_token: found.next_page_token,
            sequence,
        }))
    }

    async fn cancel_job(&self, request: Request<pb::CancelJobRequest>) -> Answer<pb::CancelJobResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let wish = parse::stop(request.reason, request.grace, false)?;
        let job = self.orchestrator.cancel(&who, &request.job_id, wish).await?;
        Ok(Response::new(pb::CancelJobResponse { job: Some(show::show_plain_job(job)) }))
    }

    async fn retry_job(&self, request: Request<pb::RetryJobRequest>) -> Answer<pb::RetryJobResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let id = parse::retry_id(&request)?;
        let (job, agent) = self.orchestrator.retry(&who, &request.job_id, id).await?;
        let agent = agent.map(|agent| show_agent(agent, String::new()));
        Ok(Response::new(pb::RetryJobResponse { job: Some(show_job(job)), agent }))
    }

    async fn wait_job(&self, request: Request<pb::WaitJobRequest>) -> Answer<pb::WaitJobResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let (until, timeout) = (parse::until(request.until)?, parse::wait_timeout(request.timeout)?);
        let (met, job, agent) = self.orchestrator.wait(&who, &request.job_id, until, timeout).await?;
        let agent = agent.map(|(agent, line)| show_agent(agent, line));
        Ok(Response::new(pb::WaitJobResponse { timed_out: !met, job: Some(show_job(job)), agent }))
    }

    async fn get_agent(&self, request: Request<pb::GetAgentRequest>) -> Answer<pb::GetAgentResponse> {
        let who = principal(&request)?;
        let (agent, line) = self.orchestrator.agent(&who, &request.into_inner().agent_id).await?;
        Ok(Response::new(pb::GetAgentResponse { agent: Some(show_agent(agent, line)) }))
    }

    async fn list_agents(&self, request: Request<pb::ListAgentsRequest>) -> Answer<pb::ListAgentsResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let page = Page::parse(AGENTS, request.page_size, &request.page_token)?;
        let states = parse::agent_states(&request.states)?;
        let (found, sequence) = self.orchestrator.agents(&who, &page, &states, &request.job_id).await?;
        Ok(Response::new(pb::ListAgentsResponse {
            agents: found.items.into_iter().map(|(agent, line)| show_agent(agent, line)).collect(),
            next_page_token: found.next_page_token,
            sequence,
        }))
    }

    async fn kill_agent(&self, request: Request<pb::KillAgentRequest>) -> Answer<pb::KillAgentResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let wish = parse::stop(request.reason, request.grace, request.force)?;
        let (job, agent) = self.orchestrator.kill(&who, &request.agent_id, wish).await?;
        let agent = agent.map(|agent| show_agent(agent, String::new()));
        let receipt = agent.as_ref().and_then(|agent| agent.receipt.clone());
        Ok(Response::new(pb::KillAgentResponse { agent, job: Some(show::show_plain_job(job)), receipt }))
    }

    async fn kill_all(&self, request: Request<pb::KillAllRequest>) -> Answer<pb::KillAllResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let wish = parse::stop(request.reason, request.grace, request.force)?;
        let done = self.orchestrator.kill_all(&who, wish, request.pause).await?;
        Ok(Response::new(pb::KillAllResponse {
            agents: done.agents.into_iter().map(|agent| show_agent(agent, String::new())).collect(),
            cancelled_jobs: u32::try_from(done.cancelled).unwrap_or(u32::MAX),
            epoch: done.epoch.cast_unsigned(),
        }))
    }

    async fn send_input(&self, request: Request<pb::SendInputRequest>) -> Answer<pb::SendInputResponse> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let id = parse::input_id(&request)?;
        let enter = if request.no_enter { "" } else { "\r" };
        self.orchestrator.send(&who, &request.agent_id, &(request.text + enter), id).await?;
        Ok(Response::new(pb::SendInputResponse {}))
    }

    async fn pause_queue(&self, request: Request<pb::PauseQueueRequest>) -> Answer<pb::PauseQueueResponse> {
        let who = principal(&request)?;
        let reason = parse::reason(request.into_inner().reason)?;
        let queue = self.orchestrator.pause(&who, true, &reason).await?;
        Ok(Response::new(pb::PauseQueueResponse { queue: Some(show_queue(queue)) }))
    }

    async fn resume_queue(
        &self,
        request: Request<pb::ResumeQueueRequest>,
    ) -> Answer<pb::ResumeQueueResponse> {
        let who = principal(&request)?;
        let queue = self.orchestrator.pause(&who, false, "").await?;
        Ok(Response::new(pb::ResumeQueueResponse { queue: Some(show_queue(queue)) }))
    }

    async fn get_queue(&self, request: Request<pb::GetQueueRequest>) -> Answer<pb::GetQueueResponse> {
        let who = principal(&request)?;
        let queue = self.orchestrator.queue(&who).await?;
        Ok(Response::new(pb::GetQueueResponse { queue: Some(show_queue(queue)) }))
    }

    type TailLogStream = Events<pb::TailLogResponse>;

    async fn tail_log(&self, request: Request<pb::TailLogRequest>) -> Answer<Self::TailLogStream> {
        let who = principal(&request)?;
        let request = request.into_inner();
        let as_text = terminal::grpc::as_text(request.format)?;
        let follow = request.follow.unwrap_or(true);
        let start = parse::start(request.start);
        let session = self.orchestrator.tail(&who, &request.agent_id, start, follow).await?;
        let events = terminal::grpc::watched_one(session, as_text);
        Ok(Response::new(Box::pin(
            events.map(|event| event.map(|event| pb::TailLogResponse { event: Some(event) })),
        )))
    }
}
