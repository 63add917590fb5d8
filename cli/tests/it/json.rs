//! `--output json`: every command's answer can be parsed and has what scripts look for.
//!
//! It knows nothing about the words for people.

use anyhow::Result;
use test_support::Server;

use crate::support::Mosaic;

#[tokio::test]
async fn the_life_of_a_terminal() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let made = mosaic.json(&["term", "new", "--name", "t", "--size", "90x30", "--", "cat"]).await?;
    let id = made["terminal"]["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(made["terminal"]["name"], "t");
    assert_eq!(made["terminal"]["command"], serde_json::json!(["cat"]));
    assert_eq!(made["terminal"]["cols"], 90);

    let list = mosaic.json(&["term", "ls"]).await?;
    assert_eq!(list["terminals"][0]["id"], id.as_str());
    assert!(list["sequence"].is_string(), "64-bit integers are strings: {list}");

    assert_eq!(mosaic.json(&["term", "resize", "t", "100x40"]).await?["rows"], 40);
    assert_eq!(mosaic.json(&["term", "rename", "t", "u"]).await?["terminal"]["name"], "u");
    assert!(mosaic.json(&["term", "signal", "u", "WINCH"]).await?["processGroup"].is_u64());

    let closed = mosaic.json(&["term", "close", "u", "--grace", "1s"]).await?;
    assert_eq!(closed["terminal"]["exit"]["reason"], "REASON_CLOSED");
    assert_eq!(closed["proven"], true, "{closed}");
    let waited = mosaic.run(&["--json", "term", "wait", &id]).await?;
    assert_eq!(waited.code, 129, "SIGHUP ended it: {waited:?}");
    let waited: serde_json::Value = serde_json::from_str(&waited.stdout)?;
    assert_eq!(waited["exit"]["signal"], 1);
    assert_eq!(mosaic.json(&["term", "rm", &id]).await?, serde_json::json!({}));

    let kinds: Vec<String> = mosaic
        .json_lines(&["events", "--no-follow"])
        .await?
        .iter()
        .map(|event| event["terminal"]["kind"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(kinds, ["KIND_CREATED", "KIND_STARTED", "KIND_RENAMED", "KIND_EXITED", "KIND_DELETED"]);
    let later = mosaic.json_lines(&["events", "--no-follow", "--after", "3"]).await?;
    assert_eq!(later[0]["sequence"], "4");
    Ok(())
}

#[tokio::test]
async fn keys_and_standard_input() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let silent = "stty -echo; echo ready; exec cat";
    let made = mosaic.json(&["term", "new", "--name", "t", "--", "sh", "-c", silent]).await?;
    let id = made["terminal"]["id"].as_str().unwrap_or_default().to_owned();
    // Before that, what is typed would be seen twice, and the second time in an order of chance.
    assert_eq!(mosaic.piped(&["term", "logs", "-f", "t"])?.line().await?, "ready");
    let ran = mosaic.run_with(&["term", "send", "t", "-"], "from stdin\n").await?;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let sent = mosaic.json(&["term", "send", "t", "h", "--keys", "i,Enter", "--keys", "C-d"]).await?;
    assert_eq!(sent, serde_json::json!({"highestAcceptedSequence": "3"}));
    mosaic.ok(&["term", "wait", &id]).await?;
    assert_eq!(mosaic.ok(&["term", "logs", &id]).await?, "ready\nfrom stdin\nhi\n");
    Ok(())
}

#[tokio::test]
async fn who_and_what() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let me = mosaic.json(&["whoami"]).await?;
    assert_eq!(me["token"]["role"], "ROLE_OPERATOR");
    let status = mosaic.json(&["status"]).await?;
    assert_eq!(status["endpoint"], server.endpoint());
    assert_eq!(status["terminals"], serde_json::json!({"running": 0, "ended": 0}));
    // The server under test is not started by root, so this must be said plainly.
    assert_eq!(status["sharesAccount"], true);
    let words = mosaic.ok(&["status"]).await?;
    assert!(words.contains("Warning") && words.contains("equals the account"), "{words}");

    let made = mosaic.json(&["token", "create", "ci", "--role", "member", "--lifetime", "1h"]).await?;
    let (id, secret) = (made["token"]["id"].clone(), made["secret"].clone());
    let (id, secret) = (id.as_str().unwrap_or_default(), secret.as_str().unwrap_or_default());
    assert!(secret.starts_with("mosaic_"));
    let list = mosaic.json(&["token", "ls"]).await?;
    assert_eq!(list["tokens"][0]["id"], id);
    let member = Mosaic::new(&[("MOSAIC_ENDPOINT", &server.endpoint()), ("MOSAIC_TOKEN", secret)])?;
    assert_eq!(member.json(&["whoami"]).await?["token"]["name"], "ci");
    assert_eq!(member.run(&["token", "ls"]).await?.code, 4, "a member may not");
    assert!(mosaic.json(&["token", "revoke", "ci"]).await?["token"]["revokeTime"].is_string());
    let refused = member.run(&["whoami"]).await?;
    assert_eq!(refused.code, 4);
    assert!(!refused.stderr.contains(secret), "{refused:?}");

    let made = mosaic.json(&["workspace", "create", "other"]).await?;
    assert_eq!(made["workspace"]["name"], "other");
    let list = mosaic.json(&["workspace", "ls"]).await?;
    assert_eq!(list["workspaces"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[tokio::test]
async fn tokens_are_revoked_by_an_unambiguous_name_or_by_id() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = mosaic.json(&["token", "create", "ci", "--role", "viewer"]).await?;
        ids.push(made["token"]["id"].as_str().unwrap_or_default().to_owned());
    }
    let ran = mosaic.run(&["token", "revoke", "ci"]).await?;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ids.iter().all(|id| ran.stderr.contains(id)), "{ran:?}");
    assert_eq!(mosaic.ok(&["token", "revoke", &ids[0]]).await?, format!("{}\n", ids[0]));
    // The one that is left has the name to itself.
    assert_eq!(mosaic.ok(&["token", "revoke", "ci"]).await?, format!("{}\n", ids[1]));
    let ran = mosaic.run(&["token", "revoke", "ci"]).await?;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("`mosaic token ls`") && !ran.stderr.contains("ListTokens"), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn list_then_watch() -> Result<()> {
    let server = Server::start().await?;
    let mosaic = Mosaic::operator(&server)?;
    mosaic.ok(&["term", "new", "--name", "first", "--", "cat"]).await?;
    let mut watch = mosaic.piped(&["--json", "term", "ls", "--watch"])?;
    let list: serde_json::Value = serde_json::from_str(&watch.line().await?)?;
    assert_eq!(list["terminals"][0]["name"], "first");
    mosaic.ok(&["term", "new", "--name", "second", "--", "cat"]).await?;
    let event: serde_json::Value = serde_json::from_str(&watch.line().await?)?;
    assert_eq!(event["terminal"]["terminal"]["name"], "second", "{event}");
    let expected = list["sequence"].as_str().unwrap_or_default().parse::<u64>()? + 1;
    assert_eq!(event["sequence"], expected.to_string(), "nothing is missed in between");
    Ok(())
}
