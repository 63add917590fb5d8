//! `mosaic usage`: the tokens that models took and gave.
//!
//! It knows nothing about conversations.

use mosaic_client::proto::workspace::v1::{DayUsage, GetUsageResponse};

use crate::{Outcome, exit, output::say, session::Session, table::Cell, text};

/// The arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Usage {
    /// So many days back, today included
    #[arg(long, value_name = "N", default_value = "30")]
    days: u32,
}

/// Shows it.
pub(crate) async fn run(session: &Session, usage: Usage) -> Outcome {
    let answer = session.client()?.workspace().usage(usage.days).await?;
    if session.output.json {
        session.output.message(&answer)?;
    } else {
        let header = ["DAY", "INPUT", "CACHED", "OUTPUT", "THINKING", "ATTEMPTS", "MODEL"];
        session.output.table(header, answer.usage.iter().map(row).collect())?;
        say(&today(&answer));
    }
    Ok(exit::OK)
}

fn row(day: &DayUsage) -> [Cell; 7] {
    // Counts that no provider told are marked.
    let mark = if day.estimated_attempts > 0 { "~" } else { "" };
    [
        text::escape(&day.day).into(),
        format!("{mark}{}", day.input).into(),
        day.cached.to_string().into(),
        format!("{mark}{}", day.output).into(),
        day.thinking.to_string().into(),
        day.attempts.to_string().into(),
        text::escape(&day.model).into(),
    ]
}

/// Today's budget in words.
pub(super) fn today(usage: &GetUsageResponse) -> String {
    let used = usage.used_today_tokens;
    let reserved = match usage.reserved_today_tokens {
        0 => String::new(),
        reserved => format!(", {reserved} set aside"),
    };
    match usage.daily_budget_tokens {
        0 => format!("today: {used} tokens{reserved}, of any number"),
        budget => format!("today: {used} of {budget} tokens{reserved}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_of_none_is_not_zero() {
        let none = GetUsageResponse { used_today_tokens: 5, ..Default::default() };
        assert_eq!(today(&none), "today: 5 tokens, of any number");
        let some = GetUsageResponse { daily_budget_tokens: 9, reserved_today_tokens: 2, ..none };
        assert_eq!(today(&some), "today: 5 of 9 tokens, 2 set aside");
    }
}
