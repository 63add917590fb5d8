//! Requests as domain types: every field is checked here, and nowhere else.
//!
//! It knows nothing about what a request does.

use std::collections::HashSet;

use mosaic_proto::chat::v1 as pb;

use crate::{
    chat::{
        How, Say,
        conversations::{Changed, Wish},
        provider::{Image, Parameters, Tool, ToolResult},
    },
    error::{Error, Result},
    ids::{ConversationId, MessageId},
    workspace::{request::RequestId, subscriptions::Form},
};

const CONTENT_BYTES_MAX: usize = 1 << 20;
const SYSTEM_BYTES_MAX: usize = 256 << 10;
const TITLE_BYTES_MAX: usize = 256;
const MODEL_BYTES_MAX: usize = 256;
const QUERY_BYTES_MAX: usize = 1024;
const PREFIX_BYTES_MAX: usize = 64 << 10;
const COMPLETIONS: u32 = 20;
const COMPLETIONS_MAX: u32 = 100;
const IMAGES_MAX: usize = 16;
const IMAGES_BYTES_MAX: usize = 3 << 20;
const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const TOOLS_MAX: usize = 128;
const TOOL_NAME_BYTES_MAX: usize = 64;
const DESCRIPTION_BYTES_MAX: usize = 4096;
const SCHEMA_BYTES_MAX: usize = 64 << 10;
const CALL_ID_BYTES_MAX: usize = 256;
const STOPS_MAX: usize = 4;
const STOP_BYTES_MAX: usize = 64;
const THINKING_TOKENS_MIN: u32 = 1024;

pub(super) fn conversation_id(text: &str) -> Result<ConversationId> {
    text.parse()
        .map_err(|_| Error::bad_request("conversation_id", "is not a UUID; ListConversations lists them"))
}

pub(super) fn message_id(field: &str, text: &str) -> Result<MessageId> {
    text.parse().map_err(|_| Error::bad_request(field, "is not a UUID; ListMessages lists them"))
}

fn within(field: &str, text: String, bytes_max: usize) -> Result<String> {
    if text.len() > bytes_max {
        let problem = format!("has {} bytes; at most {bytes_max} are allowed", text.len());
        return Err(Error::bad_request(field, problem));
    }
    // PostgreSQL's text cannot hold it.
    if text.contains('\0') {
        return Err(Error::bad_request(field, "holds NUL; leave it out"));
    }
    Ok(text)
}

fn title(text: String) -> Result<String> {
    let title = within("title", text, TITLE_BYTES_MAX)?;
    if title.chars().any(char::is_control) {
        return Err(Error::bad_request("title", "holds control characters; leave them out"));
    }
    Ok(title)
}

fn model(text: String) -> Result<String> {
    within("model", text, MODEL_BYTES_MAX)
}

/// An answer that is to be read.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) message: MessageId,
    /// Events after this one.
    pub(super) after: u64,
    /// Where it stands in the request; empty: it is the request's own.
    pub(super) path: String,
}

/// The answers that are to be read, and whether what comes is, too.
pub(super) fn watch(request: pb::WatchMessageRequest) -> Result<(Vec<Watched>, bool)> {
    let pb::WatchMessageRequest { message_id: id, after_sequence: after, follow, subscriptions } = request;
    let follow = follow.unwrap_or(true);
    if Form::of("message_id", &id, &subscriptions)? == Form::One {
        let message = message_id("message_id", &id)?;
        return Ok((vec![Watched { message, after, path: String::new() }], follow));
    }
    if after != 0 {
        return Err(Error::bad_request(
            "after_sequence",
            "is each subscription's own; leave out the one beside them",
        ));
    }
    let mut seen = HashSet::new();
    let subscriptions = subscriptions.into_iter().enumerate().map(|(index, one)| {
        let path = format!("subscriptions[{index}]");
        let message = message_id("message_id", &one.message_id).map_err(|error| error.inside(&path))?;
        if !seen.insert(message) {
            return Err(Error::bad_request("message_id", "was there before; once is enough").inside(&path));
        }
        Ok(Watched { message, after: one.after_sequence, path })
    });
    Ok((subscriptions.collect::<Result<_>>()?, follow))
}

/// The text so far, and how many ways to go on are wanted.
pub(super) fn completion(request: pb::ListCommandsRequest) -> Result<(String, usize)> {
    let limit = match request.limit {
        0 => COMPLETIONS,
        limit => limit.min(COMPLETIONS_MAX),
    };
    Ok((within("prefix", request.prefix, PREFIX_BYTES_MAX)?, usize::try_from(limit).unwrap_or_default()))
}

pub(super) fn query(text: String) -> Result<String> {
    Ok(within("query", text, QUERY_BYTES_MAX)?.trim().to_owned())
}

fn parameters(parameters: pb::Parameters) -> Result<Parameters> {
    let pb::Parameters { temperature, top_p, max_output_tokens, thinking_tokens, stop } = parameters;
    if let Some(value) = temperature.filter(|value| !(0.0..=2.0).contains(value)) {
        return Err(Error::bad_request("parameters.temperature", format!("{value} is not between 0 and 2")));
    }
    if let Some(value) = top_p.filter(|value| !(*value > 0.0 && *value <= 1.0)) {
        let problem = format!("{value} is not above 0 and at most 1");
        return Err(Error::bad_request("parameters.top_p", problem));
    }
    if max_output_tokens == Some(0) {
        return Err(Error::bad_request(
            "parameters.max_output_tokens",
            "is 0; leave it out, or give 1 or more",
        ));
    }
    if let Some(value) = thinking_tokens.filter(|value| *value < THINKING_TOKENS_MIN) {
        let problem = format!("{value} is less than {THINKING_TOKENS_MIN}; leave it out for no thinking");
        return Err(Error::bad_request("parameters.thinking_tokens", problem));
    }
    if stop.len() > STOPS_MAX {
        let problem = format!("has {} texts; at most {STOPS_MAX} are allowed", stop.len());
        return Err(Error::bad_request("parameters.stop", problem));
    }
    let stop = stop.into_iter().enumerate().map(|(index, text)| {
        let field = format!("parameters.stop[{index}]");
        match text.is_empty() {
            true => Err(Error::bad_request(field, "is empty")),
            false => within(&field, text, STOP_BYTES_MAX),
        }
    });
    let stop = stop.collect::<Result<_>>()?;
    Ok(Parameters { temperature, top_p, max_output_tokens, thinking_tokens, stop })
}

fn tools(tools: Vec<pb::Tool>) -> Result<Vec<Tool>> {
    if tools.len() > TOOLS_MAX {
        let problem = format!("has {} tools; at most {TOOLS_MAX} are allowed", tools.len());
        return Err(Error::bad_request("tools", problem));
    }
    let mut names = HashSet::new();
    if let Some(index) = tools.iter().position(|tool| !names.insert(&tool.name)) {
        return Err(Error::bad_request(format!("tools[{index}].name"), "is there twice"));
    }
    tools.into_iter().enumerate().map(|(index, one)| tool(&format!("tools[{index}]"), one)).collect()
}

fn tool(field: &str, tool: pb::Tool) -> Result<Tool> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if tool.name.is_empty() || tool.name.len() > TOOL_NAME_BYTES_MAX || !tool.name.chars().all(letter) {
        let problem = format!("is not 1 to {TOOL_NAME_BYTES_MAX} letters, digits, \"_\" and \"-\"");
        return Err(Error::bad_request(format!("{field}.name"), problem));
    }
    let description = within(&format!("{field}.description"), tool.description, DESCRIPTION_BYTES_MAX)?;
    let schema_field = format!("{field}.input_schema");
    let input_schema = within(&schema_field, tool.input_schema, SCHEMA_BYTES_MAX)?;
    let is_object =
        serde_json::from_str::<serde_json::Value>(&input_schema).is_ok_and(|value| value.is_object());
    if !is_object {
        return Err(Error::bad_request(schema_field, "is not a JSON object"));
    }
    Ok(Tool { name: tool.name, description, input_schema })
}

fn images(images: Vec<pb::Image>) -> Result<Vec<Image>> {
    let bytes: usize = images.iter().map(|image| image.data.len()).sum();
    if images.len() > IMAGES_MAX || bytes > IMAGES_BYTES_MAX {
        let problem = format!(
            "are {} images of {bytes} bytes; at most {IMAGES_MAX} of together {IMAGES_BYTES_MAX} are allowed",
            images.len()
        );
        return Err(Error::bad_request("images", problem));
    }
    let image = |(index, image): (usize, pb::Image)| {
        if !IMAGE_TYPES.contains(&image.media_type.as_str()) {
            let problem = format!("is not one of {}", IMAGE_TYPES.join(", "));
            return Err(Error::bad_request(format!("images[{index}].media_type"), problem));
        }
        if image.data.is_empty() {
            return Err(Error::bad_request(
                format!("images[{index}].data"),
                "is empty; give the file itself",
            ));
        }
        Ok(Image { media_type: image.media_type, data: image.data })
    };
    images.into_iter().enumerate().map(image).collect()
}

fn tool_results(results: Vec<pb::ToolResult>) -> Result<Vec<ToolResult>> {
    if results.len() > TOOLS_MAX {
        let problem = format!("has {} results; at most {TOOLS_MAX} are allowed", results.len());
        return Err(Error::bad_request("tool_results", problem));
    }
    let result = |(index, result): (usize, pb::ToolResult)| {
        let field = format!("tool_results[{index}]");
        if result.call_id.is_empty() {
            return Err(Error::bad_request(format!("{field}.call_id"), "is empty; name the call"));
        }
        Ok(ToolResult {
            call_id: within(&format!("{field}.call_id"), result.call_id, CALL_ID_BYTES_MAX)?,
            content: within(&format!("{field}.content"), result.content, CONTENT_BYTES_MAX)?,
            is_error: result.is_error,
        })
    };
    results.into_iter().enumerate().map(result).collect()
}

fn stops_on_disconnect(number: i32) -> Result<bool> {
    match pb::OnDisconnect::try_from(number) {
        Ok(pb::OnDisconnect::Stop) => Ok(true),
        Ok(pb::OnDisconnect::Continue | pb::OnDisconnect::Unspecified) => Ok(false),
        Err(_) => Err(Error::bad_request("on_disconnect", "is unknown; leave it out for CONTINUE")),
    }
}

/// What makes two requests the same: all of it.
fn fingerprint(request: &impl prost::Message) -> Vec<u8> {
    request.encode_to_vec()
}

pub(super) fn wish(mut request: pb::CreateConversationRequest) -> Result<Wish> {
    let id = std::mem::take(&mut request.request_id);
    let same = fingerprint(&request);
    Ok(Wish {
        request: RequestId::parse(id, "CreateConversation", &[&same])?,
        title: title(request.title)?,
        system: within("system", request.system, SYSTEM_BYTES_MAX)?,
        model: model(request.model)?,
        parameters: request.parameters.map(parameters).transpose()?.unwrap_or_default(),
    })
}

pub(super) fn changed(request: pb::UpdateConversationRequest) -> Result<(ConversationId, Changed)> {
    let id = conversation_id(&request.conversation_id)?;
    let head = request.head_message_id.as_deref().map(|head| message_id("head_message_id", head));
    let changed = Changed {
        title: request.title.map(title).transpose()?,
        system: request.system.map(|text| within("system", text, SYSTEM_BYTES_MAX)).transpose()?,
        model: request.model.map(model).transpose()?,
        parameters: request.parameters.map(parameters).transpose()?,
        archived: request.archived,
        head: head.transpose()?,
    };
    Ok((id, changed))
}

pub(super) fn say(mut request: pb::SendMessageRequest) -> Result<Say> {
    let id = std::mem::take(&mut request.request_id);
    let same = fingerprint(&request);
    let content = within("content", request.content, CONTENT_BYTES_MAX)?;
    if content.trim().is_empty() && request.images.is_empty() && request.tool_results.is_empty() {
        return Err(Error::bad_request("content", "is empty; say something, or send images or tool results"));
    }
    let named = Some(request.conversation_id).filter(|id| !id.is_empty());
    let parent = match request.parent_id.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(parent) => Some(Some(message_id("parent_id", parent)?)),
    };
    if named.is_none() && parent.flatten().is_some() {
        return Err(Error::bad_request("parent_id", "needs its conversation_id"));
    }
    Ok(Say {
        request: RequestId::parse(id, "SendMessage", &[&same])?,
        content,
        conversation: named.as_deref().map(conversation_id).transpose()?,
        parent,
        images: images(request.images)?,
        tool_results: tool_results(request.tool_results)?,
        system: within("system", request.system, SYSTEM_BYTES_MAX)?,
        how: How {
            model: model(request.model)?,
            parameters: request.parameters.map(parameters).transpose()?,
            tools: tools(request.tools)?,
            stop_on_disconnect: stops_on_disconnect(request.on_disconnect)?,
        },
    })
}

pub(super) fn again(
    mut request: pb::RegenerateMessageRequest,
) -> Result<(MessageId, How, Option<RequestId>)> {
    let id = std::mem::take(&mut request.request_id);
    let same = fingerprint(&request);
    let how = How {
        model: model(request.model)?,
        parameters: request.parameters.map(parameters).transpose()?,
        tools: tools(request.tools)?,
        stop_on_disconnect: stops_on_disconnect(request.on_disconnect)?,
    };
    let request_id = RequestId::parse(id, "RegenerateMessage", &[&same])?;
    Ok((message_id("message_id", &request.message_id)?, how, request_id))
}
