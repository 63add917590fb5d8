//! `mosaic chat`: talking, line by line.
//!
//! It knows nothing about how lines are typed (`input`) or answers are shown (`print`).

use std::io::IsTerminal as _;

use mosaic_client::{
    Client, Error,
    chat::{Answer, Chat},
    proto::chat::v1::{
        Message, Usage,
        message::{Role, State},
    },
};

use super::{
    Ask,
    commands::{self, Line},
    follow::{Followed, follow, refused},
    input::{Input, Quiet, Typed},
    model_name, models,
    print::Printer,
    show, usage,
};
use crate::{
    Outcome, exit, failure::Failure, output::say, session::Session, signals::Signals, table::Colour, text,
};

/// How much of a conversation that goes on is shown again: a question and its answer.
const SHOWN_AGAIN: u32 = 2;

/// A conversation, and what is known of it.
struct Talk<'a> {
    session: &'a Session,
    client: Client,
    chat: Chat,
    ask: Ask,
    conversation: Option<String>,
    /// The last answer.
    last: Option<Message>,
    signals: Signals,
}

/// Talks until the person leaves.
pub(super) async fn run(session: &Session, ask: Ask) -> Outcome {
    if session.output.json || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage("talking needs a terminal, and no --json")
            .hint("`mosaic chat send` is for pipes and programs."));
    }
    let client = session.client()?;
    let chat = client.chat();
    let conversation = ask.conversation(&chat).await?;
    let signals = Signals::listen()?;
    let mut talk = Talk { session, client, chat, ask, conversation, last: None, signals };
    talk.greet().await?;
    let mut input = Input::new(talk.chat.clone())?;
    loop {
        let line = match input.next(&mut talk.signals).await? {
            Typed::Line(line) => commands::parse(&line),
            Typed::Cleared => continue,
            Typed::End => return Ok(exit::OK),
            Typed::Signal(number) => return Ok(exit::of_signal(number)),
        };
        match talk.line(line).await {
            Ok(None) => {}
            Ok(Some(code)) => return Ok(code),
            Err(failure) if failure.quiet => return Err(failure),
            // One can go on after it: ask another model, or later.
            Err(failure) => session.explain(failure).report(),
        }
    }
}

impl Talk<'_> {
    /// Shows where one is.
    async fn greet(&mut self) -> Result<(), Failure> {
        let Some(id) = &self.conversation else {
            let model = model_name(self.ask.model.as_deref().unwrap_or_default(), "");
            self.note(&format!("{model}; /help for commands, Ctrl-D leaves"));
            return Ok(());
        };
        let handle = self.chat.conversation(id);
        let conversation = handle.get().await?;
        let page = handle.messages().shown_only().page_size(SHOWN_AGAIN).page("").await?;
        self.note(&format!("{}; /help for commands, Ctrl-D leaves", text::escape(&conversation.title)));
        let mut streaming = None;
        for message in page.messages.into_iter().rev() {
            match (message.role(), message.state()) {
                (Role::Assistant, State::Streaming) => streaming = Some(message.id),
                _ => {
                    self.session.output.line(&show::message(self.session, &message))?;
                    self.last =
                        Some(message).filter(|message| message.role() == Role::Assistant && !message.command);
                }
            }
        }
        if let Some(id) = streaming {
            let watch = self.chat.watch(id);
            self.answer(watch.open()).await?;
        }
        Ok(())
    }

    /// Does what a line says; an exit code ends it all.
    async fn line(&mut self, line: Line) -> Result<Option<u8>, Failure> {
        match line {
            Line::Empty => {}
            Line::Quit => return Ok(Some(exit::OK)),
            Line::Help => self.help().await?,
            Line::New => {
                self.conversation = None;
                self.last = None;
                self.note("a new conversation");
            }
            Line::Model(None) => models::list(self.session, &self.chat).await?,
            Line::Model(Some(model)) => self.choose(model).await?,
            Line::Usage => self.usage().await?,
            Line::Retry => {
                let Some(last) = &self.last else {
                    self.note("there is no answer to try again");
                    return Ok(None);
                };
                let mut again = self.chat.regenerate(&last.id);
                if let Some(model) = &self.ask.model {
                    again = again.model(model);
                }
                return self.answer(async move { again.open().await }).await;
            }
            Line::Say(content) => {
                let message = self.ask.fill(self.chat.send(content), self.conversation.as_deref());
                return self.answer(async move { message.open().await }).await;
            }
        }
        Ok(None)
    }

    /// Shows an answer to its end.
    async fn answer(
        &mut self,
        opening: impl Future<Output = Result<Answer, Error>>,
    ) -> Result<Option<u8>, Failure> {
        let mut printer = Printer::new(self.session.output);
        let followed = {
            let _quiet = Quiet::new();
            follow(&self.chat, opening, &mut printer, &mut self.signals).await
        };
        // Also of an answer that was left: what is said next belongs to the same conversation.
        if let Some(id) = printer.conversation_id() {
            self.conversation = Some(id.to_owned());
        }
        match followed? {
            Followed::Left(signal) if signal == rustix::process::Signal::INT.as_raw() => {
                self.note("left before it was seen to stop");
            }
            Followed::Left(signal) if signal == rustix::process::Signal::QUIT.as_raw() => {
                printer.finish().await?;
                self.note("the answer goes on; `mosaic chat -c` shows it");
                return Ok(Some(exit::OK));
            }
            Followed::Left(signal) => return Ok(Some(exit::of_signal(signal))),
            Followed::Ended { message, stopped_here } => {
                match (message.state(), Error::unfinished(&message)) {
                    (State::Stopped, _) => {
                        let by = match stopped_here {
                            true => String::new(),
                            false => format!(" by token {}", text::escape(&message.stopped_by)),
                        };
                        self.note(&format!("stopped{by}; what came is kept"));
                    }
                    (_, Some(error)) => Failure::from(error).report(),
                    (_, None) => {}
                }
                if let Some(failure) = refused(&message) {
                    failure.report();
                }
                // Only a model tries again.
                if !message.command {
                    self.last = Some(*message);
                }
            }
        }
        Ok(None)
    }

    /// The commands of this program, and the server's.
    async fn help(&self) -> Result<(), Failure> {
        say(commands::HELP);
        let listed = self.chat.commands("").await?.commands;
        let width = listed.iter().map(|command| command.usage.chars().count()).max().unwrap_or_default();
        for command in listed {
            let (usage, summary) = (text::escape(&command.usage), text::escape(&command.summary));
            say(&format!("  {usage:<width$}   {summary}"));
        }
        Ok(())
    }

    /// Asks another model from now on.
    async fn choose(&mut self, model: String) -> Result<(), Failure> {
        let models = self.chat.models().await?;
        match models.iter().find(|known| known.name == model) {
            None => self.note(&format!("there is no model {}; /model lists them", text::escape(&model))),
            Some(known) => {
                let problem = match known.problem.as_str() {
                    "" => String::new(),
                    problem => format!(", but: {}", text::escape(problem)),
                };
                self.note(&format!("{} is asked from now on{problem}", text::escape(&model)));
                self.ask.model = Some(model);
            }
        }
        Ok(())
    }

    async fn usage(&self) -> Result<(), Failure> {
        if let Some(Message { usage: Some(Usage { input, output, .. }), .. }) = &self.last {
            say(&format!("last answer: {input} tokens in, {output} out"));
        }
        say(&usage::today(&self.client.workspace().usage(1).await?));
        Ok(())
    }

    fn note(&self, words: &str) {
        say(&self.session.output.paint_aside(&format!("[mosaic: {words}]"), Colour::Dim));
    }
}
