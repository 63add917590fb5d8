//! What is known of models whose servers do not tell it.
//!
//! It knows nothing about servers. Sources: the providers' model pages, read in November 2026; a
//! configuration wins over them.

use crate::chat::provider::Offered;

/// The beginning of a name, tokens of prompt and answer, tokens of an answer, and whether it thinks.
const MODELS: &[(&str, u32, u32, bool)] = &[
    ("claude-3-5-", 200_000, 8_192, false),
    ("claude-3-haiku", 200_000, 4_096, false),
    ("claude-", 200_000, 64_000, true),
    ("gpt-4o", 128_000, 16_384, false),
    ("gpt-4.1", 1_047_576, 32_768, false),
    ("gpt-4-turbo", 128_000, 4_096, false),
    ("gpt-5", 400_000, 128_000, true),
    ("o1", 200_000, 100_000, true),
    ("o3", 200_000, 100_000, true),
    ("o4-mini", 200_000, 100_000, true),
];

/// What is known of a model; absent: nothing.
pub(super) fn of(model: &str) -> Option<Offered> {
    let (_, context, output, thinking) = MODELS.iter().find(|(start, ..)| model.starts_with(start))?;
    Some(Offered {
        name: model.to_owned(),
        context_tokens: Some(*context),
        output_tokens_max: Some(*output),
        tools: Some(true),
        thinking: Some(*thinking),
        images: Some(true),
    })
}

/// What a server tells, and beside it what is known.
pub(super) fn completed(offered: Offered) -> Offered {
    let known = of(&offered.name).unwrap_or_default();
    Offered {
        name: offered.name,
        context_tokens: offered.context_tokens.or(known.context_tokens),
        output_tokens_max: offered.output_tokens_max.or(known.output_tokens_max),
        tools: offered.tools.or(known.tools),
        thinking: offered.thinking.or(known.thinking),
        images: offered.images.or(known.images),
    }
}
