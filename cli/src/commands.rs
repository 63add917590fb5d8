//! The server's calls in terms of this command line.
//!
//! It knows nothing about errors; it only reads their words.

/// Every call of the contract, and the command that makes it.
const COMMANDS: &[(&str, &str)] = &[
    ("Attach", "mosaic term attach"),
    ("CancelJob", "mosaic job cancel"),
    ("CloseTerminal", "mosaic term close"),
    ("CreateConversation", "mosaic chat"),
    ("CreateSignInCode", "mosaic web"),
    ("CreateTerminal", "mosaic term new"),
    ("CreateToken", "mosaic token create"),
    ("CreateWorkspace", "mosaic workspace create"),
    ("DeleteConversation", "mosaic conversation rm"),
    ("DeleteTerminal", "mosaic term rm"),
    ("DetachViewer", "mosaic term detach"),
    ("ExchangeSignInCode", "a sign-in code"),
    ("GetAgent", "mosaic agent show"),
    ("GetConversation", "mosaic conversation show"),
    ("GetJob", "mosaic job show"),
    ("GetMessage", "mosaic conversation show"),
    ("GetQueue", "mosaic queue status"),
    ("GetTerminal", "mosaic term ls --all"),
    ("GetUsage", "mosaic usage"),
    ("KillAgent", "mosaic agent kill"),
    ("KillAll", "mosaic agent kill --all"),
    ("ListAgents", "mosaic agent ls --all"),
    ("ListCommands", "mosaic chat send /help"),
    ("ListConversations", "mosaic conversation ls"),
    ("ListJobs", "mosaic job ls --all"),
    ("ListMessages", "mosaic conversation show"),
    ("ListModels", "mosaic models"),
    ("ListProfiles", "mosaic agent profiles"),
    ("ListTerminals", "mosaic term ls --all"),
    ("ListTokens", "mosaic token ls"),
    ("ListViewers", "mosaic term viewers"),
    ("ListWorkspaces", "mosaic workspace ls"),
    ("PauseQueue", "mosaic queue pause"),
    ("ReadOutput", "mosaic term logs"),
    ("RegenerateMessage", "another answer"),
    ("Resize", "mosaic term resize"),
    ("ResumeQueue", "mosaic queue resume"),
    ("RetryJob", "mosaic job retry"),
    ("RevokeToken", "mosaic token revoke"),
    ("SendInput", "mosaic agent send"),
    ("SendMessage", "mosaic chat send"),
    ("SendSignal", "mosaic term signal"),
    ("SpawnAgent", "mosaic agent spawn"),
    ("StopMessage", "Ctrl-C"),
    ("TailLog", "mosaic agent logs"),
    ("UpdateConversation", "mosaic conversation rename"),
    ("UpdateTerminal", "mosaic term rename"),
    ("WaitJob", "mosaic job wait"),
    ("WaitTerminal", "mosaic term wait"),
    ("Watch", "mosaic term logs"),
    ("WatchEvents", "mosaic events"),
    ("WatchMessage", "mosaic chat --continue"),
    ("WhoAmI", "mosaic whoami"),
    ("Write", "mosaic term send"),
];

/// The server's message with commands in place of calls.
pub(crate) fn in_commands(message: &str) -> String {
    let mut said = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        said.push_str(before);
        match command(word) {
            Some(command) if command.starts_with("mosaic ") => said.extend(["`", command, "`"]),
            Some(words) => said.push_str(words),
            None => said.push_str(word),
        }
        rest = after;
    }
    said + rest
}

/// Fields of the contract, and what is typed for them. Where commands differ, the field's own name says as much.
const FIELDS: &[(&str, &str)] = &[
    ("agent_id", "NAME"),
    ("attempts", "--attempts"),
    ("backoff", "--backoff"),
    ("base", "--base"),
    ("content", "TEXT"),
    ("conversation_id", "CONVERSATION"),
    ("cwd", "--cwd"),
    ("depends_on", "--depends-on"),
    ("env", "--env"),
    ("idle_timeout", "--idle-timeout"),
    ("images", "--image"),
    ("job_id", "NAME"),
    ("labels", "--label"),
    ("output_timeout", "--output-timeout"),
    ("priority", "--priority"),
    ("prompt", "PROMPT"),
    ("queued_timeout", "--queued-timeout"),
    ("repository", "--repository"),
    ("terminal_id", "NAME"),
    ("time_limit", "--time-limit"),
    ("timeout", "--timeout"),
    ("token_budget", "--token-budget"),
    ("token_id", "ID"),
];

/// A message about a field, with what was typed for it in the field's place.
pub(crate) fn in_arguments(message: &str) -> String {
    let Some((field, problem)) = message.split_once(": ") else { return message.to_owned() };
    let typed = FIELDS.iter().find(|(name, _)| *name == field).map_or(field, |(_, typed)| typed);
    format!("{typed}: {problem}")
}

/// The same without advice that names a call: for where there is better advice.
pub(crate) fn without_advice(message: &str) -> String {
    match message.rsplit_once("; ") {
        Some((what, advice)) if in_commands(advice) != advice => in_commands(what),
        _ => in_commands(message),
    }
}

fn command(word: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(call, _)| *call == word).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_call_has_its_words() {
        let pool = DescriptorPool::decode(mosaic_proto::FILE_DESCRIPTOR_SET).unwrap();
        let calls = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let missing: Vec<_> =
            calls.filter(|it| command(it.name()).is_none()).map(|it| it.name().to_owned()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn fields_become_arguments() {
        assert_eq!(
            in_arguments("depends_on: names more than 100 jobs"),
            "--depends-on: names more than 100 jobs"
        );
        assert_eq!(in_arguments("job_id: is empty"), "NAME: is empty");
        assert_eq!(in_arguments("name: is too long"), "name: is too long");
        assert_eq!(in_arguments("it is away"), "it is away");
        let pool = DescriptorPool::decode(mosaic_proto::FILE_DESCRIPTOR_SET).unwrap();
        let fields =
            |name: &str| pool.all_messages().any(|message| message.get_field_by_name(name).is_some());
        let unknown: Vec<_> = FIELDS.iter().filter(|(field, _)| !fields(field)).collect();
        assert!(unknown.is_empty(), "no field of the contract: {unknown:?}");
    }

    #[test]
    fn calls_become_commands() {
        let message = "there is no terminal \"Watched\"; ListTerminals shows those there are";
        assert_eq!(
            in_commands(message),
            "there is no terminal \"Watched\"; `mosaic term ls --all` shows those there are"
        );
        assert_eq!(without_advice(message), "there is no terminal \"Watched\"");
        assert_eq!(without_advice("it runs; close it"), "it runs; close it");
        assert_eq!(in_commands(""), "");
    }
}
