//! Who may do what to agents: every method with another workspace's token, a viewer's, an expired one, none.
//!
//! It must not test what the methods do when they are allowed.

use anyhow::Result;
use mosaic_proto::{
    orchestrator::v1::{
        CancelJobRequest, GetAgentRequest, GetJobRequest, GetQueueRequest, KillAgentRequest, KillAllRequest,
        ListAgentsRequest, ListJobsRequest, ListProfilesRequest, PauseQueueRequest, ResumeQueueRequest,
        RetryJobRequest, SendInputRequest, SpawnAgentRequest, TailLogRequest, WaitJobRequest, job::State,
    },
    workspace::v1::CreateTokenRequest,
};
use test_support::{AgentClient, Role, Server, reason};
use tonic::{Code, Status};

use super::{job, named, seconds, shell, spawn};

/// Every method of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    ListProfiles,
    Spawn,
    GetJob,
    ListJobs,
    Cancel,
    Retry,
    Wait,
    GetAgent,
    ListAgents,
    ListAgentsOf,
    Kill,
    KillAll,
    Send,
    Pause,
    Resume,
    Queue,
    Tail,
    DependOn,
}

impl Method {
    const ALL: [Self; 18] = [
        Self::ListProfiles,
        Self::Spawn,
        Self::GetJob,
        Self::ListJobs,
        Self::Cancel,
        Self::Retry,
        Self::Wait,
        Self::GetAgent,
        Self::ListAgents,
        Self::ListAgentsOf,
        Self::Kill,
        Self::KillAll,
        Self::Send,
        Self::Pause,
        Self::Resume,
        Self::Queue,
        Self::Tail,
        Self::DependOn,
    ];

    /// What a VIEWER may call.
    fn only_reads(self) -> bool {
        use Method::*;
        matches!(
            self,
            ListProfiles | GetJob | ListJobs | Wait | GetAgent | ListAgents | ListAgentsOf | Queue | Tail
        )
    }

    /// What it is not found by; `None`: it names nothing.
    fn names(self) -> Option<&'static str> {
        use Method::*;
        match self {
            ListProfiles | Spawn | ListJobs | ListAgents | KillAll | Pause | Resume | Queue => None,
            GetJob | Cancel | Retry | Wait | ListAgentsOf | DependOn => Some("JOB_NOT_FOUND"),
            GetAgent | Kill | Send | Tail => Some("AGENT_NOT_FOUND"),
        }
    }

    /// Calls it in its simplest form, about a job or its agent. A stream counts as answered with its first message.
    async fn call(self, client: &mut AgentClient, named: &str) -> Result<(), Status> {
        let (job_id, agent_id) = (named.to_owned(), named.to_owned());
        match self {
            Self::ListProfiles => client.list_profiles(ListProfilesRequest {}).await.map(drop),
            Self::Spawn => client.spawn_agent(shell("true")).await.map(drop),
            Self::GetJob => client.get_job(GetJobRequest { job_id }).await.map(drop),
            Self::ListJobs => client.list_jobs(ListJobsRequest::default()).await.map(drop),
            Self::Cancel => {
                client.cancel_job(CancelJobRequest { job_id, ..Default::default() }).await.map(drop)
            }
            Self::Retry => client.retry_job(RetryJobRequest { job_id, ..Default::default() }).await.map(drop),
            Self::Wait => {
                let request = WaitJobRequest { job_id, timeout: seconds(0.0), ..Default::default() };
                client.wait_job(request).await.map(drop)
            }
            Self::GetAgent => client.get_agent(GetAgentRequest { agent_id }).await.map(drop),
            Self::ListAgents => client.list_agents(ListAgentsRequest::default()).await.map(drop),
            Self::ListAgentsOf => {
                client.list_agents(ListAgentsRequest { job_id, ..Default::default() }).await.map(drop)
            }
            Self::Kill => {
                client.kill_agent(KillAgentRequest { agent_id, ..Default::default() }).await.map(drop)
            }
            Self::KillAll => client.kill_all(KillAllRequest::default()).await.map(drop),
            Self::Send => {
                let request = SendInputRequest { agent_id, text: "x".to_owned(), ..Default::default() };
                client.send_input(request).await.map(drop)
            }
            Self::Pause => client.pause_queue(PauseQueueRequest::default()).await.map(drop),
            Self::Resume => client.resume_queue(ResumeQueueRequest {}).await.map(drop),
            Self::Queue => client.get_queue(GetQueueRequest {}).await.map(drop),
            Self::Tail => {
                let request = TailLogRequest { agent_id, ..Default::default() };
                client.tail_log(request).await?.into_inner().message().await.map(drop)
            }
            Self::DependOn => {
                let request = SpawnAgentRequest { depends_on: vec![job_id], ..shell("true") };
                client.spawn_agent(request).await.map(drop)
            }
        }
    }
}

/// What became of a call.
fn refusal(result: Result<(), Status>) -> Option<(Code, String)> {
    result.err().map(|status| (status.code(), reason(&status)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_workspace_is_not_found() -> Result<()> {
    let server = Server::start().await?;
    let mut owner = server.agents()?;
    let mine = spawn(&mut owner, named("mine", "sleep 1000")).await?;
    let mut stranger = server.agents_as(&server.other_workspace_token().await?)?;
    for method in Method::ALL {
        let expected = method.names().map(|reason| (Code::NotFound, reason.to_owned()));
        for named in [&mine.id, &mine.name, &mine.agent_id] {
            // An agent's id names no job.
            assert_eq!(refusal(method.call(&mut stranger, named).await), expected, "{method:?} {named}");
        }
        assert_eq!(job(&mut owner, "mine").await?.state(), State::Running, "{method:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_only_reads_and_a_member_has_no_kill_switch() -> Result<()> {
    let server = Server::start().await?;
    let mut owner = server.agents()?;
    spawn(&mut owner, named("mine", "sleep 1000")).await?;
    let mut viewer = server.agents_as(&server.token_for(Role::Viewer).await?)?;
    let too_low = Some((Code::PermissionDenied, "ROLE_TOO_LOW".to_owned()));
    for method in Method::ALL {
        let expected = if method.only_reads() { None } else { too_low.clone() };
        assert_eq!(refusal(method.call(&mut viewer, "mine").await), expected, "{method:?}");
    }
    let mut member = server.agents_as(&server.token_for(Role::Member).await?)?;
    assert_eq!(refusal(Method::KillAll.call(&mut member, "").await), too_low);
    assert_eq!(refusal(Method::Kill.call(&mut member, "mine").await), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_that_is_good_nothing_goes() -> Result<()> {
    let server = Server::start().await?;
    spawn(&mut server.agents()?, named("mine", "sleep 1000")).await?;
    let expired = server.expired_token().await?;
    let limited = CreateTokenRequest {
        name: "one terminal".to_owned(),
        role: Role::Member.into(),
        terminal_id: super::agent(&mut server.agents()?, "mine").await?.terminal_id,
        ..Default::default()
    };
    let limited = server.token_with(limited).await?;
    for (token, code, reason) in [
        ("", Code::Unauthenticated, "TOKEN_MISSING"),
        ("mosaic_no", Code::Unauthenticated, "TOKEN_UNKNOWN"),
        (&expired, Code::Unauthenticated, "TOKEN_EXPIRED"),
        (&limited, Code::PermissionDenied, "TOKEN_LIMITED"),
    ] {
        let mut client = server.agents_as(token)?;
        for method in Method::ALL {
            let mut got = refusal(method.call(&mut client, "mine").await);
            if token == limited && method == Method::KillAll {
                // Its role is too low as well.
                got = got.map(|(code, _)| (code, "TOKEN_LIMITED".to_owned()));
            }
            assert_eq!(got, Some((code, reason.to_owned())), "{method:?} with {reason}");
        }
    }
    Ok(())
}
