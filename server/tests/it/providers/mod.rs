//! What every adapter to a model server must do, over one scripted server: one table of cases for all of them.
//!
//! It must not know an adapter's inside: it sees what is sent upstream and what pieces come back.

mod endings;
mod network;
mod requests;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use mosaic_server::chat::provider::{
    Failure, FailureKind, Parameters, Part, Piece, Prompt, Provider, Role, Stop, Turn, Usage,
    anthropic::Anthropic,
    http::{Http, Settings},
    ollama::Ollama,
    openai::OpenAi,
};
use test_support::fake_llm::{self, Ending, FakeLlm, Reply, Said, Script, Step, ToolCall, Wire};
use tokio::time::timeout;

const WIRES: [Wire; 3] = [Wire::Anthropic, Wire::OpenAi, Wire::Ollama];
/// Far more than anything here takes: a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "sk-never-shown";

thread_local! {
    /// Reading the system's authorities takes a while, so it is done once a test: each has a thread and a runtime
    /// of its own, and connections stay in theirs.
    static HTTP: Http = Http::new(&Settings::default()).unwrap();
}

fn http() -> Http {
    HTTP.with(Http::clone)
}

fn adapter(wire: Wire, base: &str) -> Box<dyn Provider> {
    let key = KEY.parse().ok();
    match wire {
        Wire::Anthropic => Box::new(Anthropic::new(&http(), base, key)),
        Wire::OpenAi => Box::new(OpenAi::new(&http(), base, key)),
        Wire::Ollama => Box::new(Ollama::new(&http(), base, key)),
    }
}

fn prompt() -> Prompt {
    Prompt {
        model: "model".to_owned(),
        system: String::new(),
        turns: vec![Turn { role: Role::User, parts: vec![Part::Text("Hello".to_owned())] }],
        tools: Vec::new(),
        parameters: Parameters::default(),
        output_tokens_max: 4096,
        context_tokens: 8192,
    }
}

/// All pieces of an answer put together.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    text: String,
    thinking: String,
    signature: String,
    /// Id, name, arguments.
    calls: Vec<(String, String, String)>,
    usage: Option<Usage>,
    end: Result<Stop, Failure>,
}

/// Asks, and reads to the end.
async fn ask(provider: &dyn Provider) -> Answer {
    let end = Err(Failure::new(FailureKind::Cut, "the stream ended without a last piece"));
    let (text, thinking, signature) = (String::new(), String::new(), String::new());
    let mut answer = Answer { text, thinking, signature, calls: Vec::new(), usage: None, end };
    let reading = async {
        let prompt = prompt();
        let mut pieces = match provider.generate(&prompt).await {
            Ok(pieces) => pieces,
            Err(failure) => {
                answer.end = Err(failure);
                return;
            }
        };
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(Piece::Text(text)) => {
                    assert!(!text.is_empty(), "an empty piece");
                    answer.text += &text;
                }
                Ok(Piece::Thinking { text, signature }) => {
                    assert!(!text.is_empty() || !signature.is_empty(), "an empty piece");
                    answer.thinking += &text;
                    answer.signature += &signature;
                }
                Ok(Piece::ToolCall { index, id, name, arguments }) => {
                    let index = usize::try_from(index).unwrap();
                    if index == answer.calls.len() {
                        answer.calls.push((id, name, arguments));
                    } else {
                        assert_eq!((id.as_str(), name.as_str()), ("", ""), "only the first piece has them");
                        answer.calls[index].2 += &arguments;
                    }
                }
                Ok(Piece::Usage(usage)) => answer.usage = Some(usage),
                Ok(Piece::Stop(stop)) => answer.end = Ok(stop),
                Err(failure) => answer.end = Err(failure),
            }
        }
        assert!(pieces.next().await.is_none(), "nothing comes after the end");
    };
    timeout(PATIENCE, reading).await.unwrap();
    answer
}

/// What an adapter makes of a reply.
async fn answer(wire: Wire, reply: Reply) -> Answer {
    let fake = FakeLlm::start(Script::new().reply("model", reply)).await.unwrap();
    ask(adapter(wire, &fake.base_url(wire)).as_ref()).await
}

fn failure(answer: &Answer) -> &Failure {
    answer.end.as_ref().unwrap_err()
}

/// Text, thoughts, a seal, two calls, pings, a count.
fn rich() -> Reply {
    let call = |id: &str, arguments: &str| {
        Step::ToolCall(ToolCall {
            id: id.to_owned(),
            name: format!("tool_{id}"),
            arguments: arguments.to_owned(),
        })
    };
    let usage = fake_llm::Usage { input: 100, output: 20, cached: 60, thinking: 7 };
    let steps = [
        Step::Ping,
        Step::Thinking("Let me ".to_owned()),
        Step::Thinking("sée".to_owned()),
        Step::Signature("c2VhbA==".to_owned()),
        Step::Text("Hé".to_owned()),
        Step::Ping,
        Step::Text("llo \"wörld\"\n\u{2028}🦀".to_owned()),
        call("a", r#"{"città":"Zürich","n":[1,2]}"#),
        call("b", "{}"),
    ];
    Reply { usage: Some(usage), stop: fake_llm::Stop::ToolCall, ..Reply::steps(steps) }
}

#[tokio::test]
async fn text_comes_with_its_count_and_its_end() {
    for wire in WIRES {
        let answer = answer(wire, Reply::text(["Hel", "lo", "\u{1f980}"])).await;
        assert_eq!(answer.text, "Hello\u{1f980}", "{wire:?}");
        assert_eq!(answer.end, Ok(Stop::End), "{wire:?}");
        assert_eq!(answer.usage, Some(Usage { input: 10, output: 3, ..Usage::default() }), "{wire:?}");
    }
}

#[tokio::test]
async fn everything_comes_as_it_was_sent() {
    for wire in WIRES {
        let answer = answer(wire, rich()).await;
        assert_eq!(answer.text, "Héllo \"wörld\"\n\u{2028}🦀", "{wire:?}");
        assert_eq!(answer.thinking, "Let me sée", "{wire:?}");
        assert_eq!(answer.signature, if wire == Wire::Anthropic { "c2VhbA==" } else { "" }, "{wire:?}");
        let [(first, name, arguments), (second, other, empty)] = answer.calls.as_slice() else {
            panic!("{wire:?}: {:?}", answer.calls);
        };
        assert_eq!((name.as_str(), other.as_str(), empty.as_str()), ("tool_a", "tool_b", "{}"), "{wire:?}");
        let arguments: serde_json::Value = serde_json::from_str(arguments).unwrap();
        assert_eq!(arguments, serde_json::json!({"città": "Zürich", "n": [1, 2]}), "{wire:?}");
        if wire == Wire::Ollama {
            assert!(first.starts_with("call_") && first != second, "{first} {second}");
        } else {
            assert_eq!((first.as_str(), second.as_str()), ("a", "b"), "{wire:?}");
        }
        let (cached, thinking) = match wire {
            Wire::Anthropic => (60, 0),
            Wire::OpenAi => (60, 7),
            Wire::Ollama => (0, 0),
        };
        assert_eq!(answer.usage, Some(Usage { input: 100, output: 20, cached, thinking }), "{wire:?}");
        assert_eq!(answer.end, Ok(Stop::ToolCall), "{wire:?}");
    }
}

#[tokio::test]
async fn splits_and_bursts_change_nothing() {
    for wire in WIRES {
        // Ollama's ids are made up anew.
        let comparable = |mut answer: Answer| {
            answer.calls.iter_mut().for_each(|call| call.0.clear());
            answer
        };
        let whole = comparable(answer(wire, rich()).await);
        assert!(whole.end.is_ok(), "{wire:?}: {whole:?}");
        for split_bytes in [1, 2, 3, 7, 64] {
            let reply = Reply { split_bytes, ..rich() };
            assert_eq!(comparable(answer(wire, reply).await), whole, "{wire:?} in {split_bytes}");
        }
        let burst = Reply { frames_per_write: 1000, ..rich() };
        assert_eq!(comparable(answer(wire, burst).await), whole, "{wire:?} at once");
    }
}

#[tokio::test]
async fn reasons_to_stop_are_told_apart() {
    use fake_llm::Stop as Told;
    for wire in WIRES {
        for (told, stop) in
            [(Told::End, Stop::End), (Told::Length, Stop::Length), (Told::Refused, Stop::Refused)]
        {
            // Ollama has no word for it.
            let stop = if wire == Wire::Ollama && told == Told::Refused { Stop::End } else { stop };
            let answer = answer(wire, Reply { stop: told, ..Reply::text(["x"]) }).await;
            assert_eq!(answer.end, Ok(stop), "{wire:?}");
        }
    }
}

#[tokio::test]
async fn a_count_may_be_missing_and_an_answer_empty() {
    for wire in WIRES {
        let answer = answer(wire, Reply { no_usage: true, ..Reply::default() }).await;
        assert_eq!((answer.usage, answer.end), (None, Ok(Stop::End)), "{wire:?}");
        assert_eq!((answer.text.as_str(), answer.calls.len()), ("", 0), "{wire:?}");
    }
}

#[tokio::test]
async fn what_nobody_knows_is_ignored() {
    for wire in WIRES {
        let strange = match wire {
            Wire::Anthropic => {
                "event: new\ndata: {\"type\":\"new\",\"delta\":7}\n\nevent: content_block_delta\ndata: \
                 {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"new_delta\",\"x\":1}}\n\n"
            }
            Wire::OpenAi => {
                ": comment\n\nid: 9\ndata: {\"object\":\"new\",\"x\":1}\n\ndata: \
                 {\"choices\":[{\"delta\":null,\"new\":[]}]}\n\n"
            }
            Wire::Ollama => "\n{\"new\":{\"x\":1}}\r\n",
        };
        let steps = [Step::Text("a".to_owned()), Step::Raw(strange.to_owned()), Step::Text("b".to_owned())];
        let answer = answer(wire, Reply::steps(steps)).await;
        assert_eq!((answer.text.as_str(), answer.end), ("ab", Ok(Stop::End)), "{wire:?}");
    }
}

#[tokio::test]
async fn models_are_listed() {
    let script = Script::new().reply("one", Reply::default()).reply("two", Reply::default());
    let fake = FakeLlm::start(script).await.unwrap();
    for wire in WIRES {
        let models = adapter(wire, &fake.base_url(wire)).models().await.unwrap();
        let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["one", "two"], "{wire:?}");
        let context = (wire != Wire::Anthropic).then_some(8192);
        assert_eq!(models[0].context_tokens, context, "{wire:?}");
        assert_eq!(models[0].thinking, (wire == Wire::Ollama).then_some(true), "{wire:?}");
        assert_eq!(models[0].images, (wire == Wire::Ollama).then_some(false), "{wire:?}");
    }
}
