//! Messages of the contract as canonical Protobuf JSON.
//!
//! It knows nothing about what the messages mean: the compiled descriptors say all there is to know.

use std::{fmt, sync::LazyLock};

use mosaic_proto::{
    chat::v1 as chat, orchestrator::v1 as orchestrator, terminal::v1 as terminal, workspace::v1 as workspace,
};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use crate::failure::Failure;

/// A message of the contract: its generated type knows its fields, this adds its name.
pub(crate) trait Named: Message {
    /// The full name in the `.proto` files.
    const NAME: &'static str;
}

macro_rules! named {
    ($package:literal $module:ident: $($message:ident)*) => {$(
        impl Named for $module::$message {
            const NAME: &'static str = concat!($package, ".", stringify!($message));
        }
    )*};
}

named! { "mosaic.chat.v1" chat:
    Conversation DeleteConversationResponse ListConversationsResponse ListModelsResponse Message MessageEvent
    StopMessageResponse UpdateConversationResponse
}
named! { "mosaic.orchestrator.v1" orchestrator:
    CancelJobResponse GetAgentResponse GetJobResponse GetQueueResponse KillAgentResponse KillAllResponse
    ListAgentsResponse ListJobsResponse ListProfilesResponse PauseQueueResponse ResumeQueueResponse
    RetryJobResponse SendInputResponse SpawnAgentResponse WaitJobResponse
}
named! { "mosaic.terminal.v1" terminal:
    CloseTerminalResponse CreateTerminalResponse DeleteTerminalResponse DetachViewerResponse
    ListTerminalsResponse ListViewersResponse ResizeResponse SendSignalResponse TerminalEvent
    UpdateTerminalResponse WaitTerminalResponse WriteResponse
}
named! { "mosaic.workspace.v1" workspace:
    CreateTokenResponse CreateWorkspaceResponse Event GetUsageResponse ListTokensResponse ListWorkspacesResponse
    RevokeTokenResponse WhoAmIResponse
}

static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    DescriptorPool::decode(mosaic_proto::FILE_DESCRIPTOR_SET).map_err(|error| error.to_string())
});

/// The message as JSON: lowerCamelCase names, 64-bit integers and bytes as strings, defaults absent.
pub(crate) fn text<M: Named>(message: &M) -> Result<String, Failure> {
    serde_json::to_string(&dynamic(message)?).map_err(|error| failed::<M>(&error))
}

/// The same as a value, to put something beside it.
pub(crate) fn value<M: Named>(message: &M) -> Result<Value, Failure> {
    serde_json::to_value(dynamic(message)?).map_err(|error| failed::<M>(&error))
}

fn dynamic<M: Named>(message: &M) -> Result<DynamicMessage, Failure> {
    let pool = POOL.as_ref().map_err(|error| failed::<M>(error))?;
    let descriptor = pool.get_message_by_name(M::NAME).ok_or_else(|| failed::<M>(&"it has no descriptor"))?;
    DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| failed::<M>(&error))
}

fn failed<M: Named>(why: &dyn fmt::Display) -> Failure {
    Failure::error(format!("cannot show {} as JSON: {why}", M::NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_of_a_message() {
        let exit = terminal::Exit { code: Some(0), reason: 1, ..terminal::Exit::default() };
        let shell = terminal::Terminal {
            name: "sh-1".to_owned(),
            output_end: 1 << 60,
            exit: Some(exit),
            create_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            ..terminal::Terminal::default()
        };
        let response = terminal::CreateTerminalResponse { terminal: Some(shell) };
        let expected = serde_json::json!({"terminal": {
            "name": "sh-1",
            "outputEnd": "1152921504606846976",
            "exit": {"reason": "REASON_EXITED", "code": 0},
            "createTime": "1970-01-01T00:00:01Z",
        }});
        assert_eq!(value(&response).unwrap(), expected);
    }

    #[test]
    fn every_named_message_is_in_the_contract() {
        let pool = POOL.as_ref().unwrap();
        let names = [
            chat::Conversation::NAME,
            chat::MessageEvent::NAME,
            orchestrator::WaitJobResponse::NAME,
            terminal::CloseTerminalResponse::NAME,
            terminal::TerminalEvent::NAME,
            terminal::WaitTerminalResponse::NAME,
            workspace::Event::NAME,
            workspace::WhoAmIResponse::NAME,
        ];
        for name in names {
            assert!(pool.get_message_by_name(name).is_some(), "{name}");
        }
    }
}
