//! Which token comes next: the likeliest, or one by chance.
//!
//! It must not know what tokens stand for.

use anyhow::{Result, anyhow};

/// How SmolLM2's makers sample.
const TEMPERATURE: f32 = 0.2;
const TOP_P: f32 = 0.9;

/// How one answer's tokens are chosen.
pub(crate) struct Sampling {
    temperature: f32,
    top_p: f32,
}

impl Sampling {
    /// As asked; what is absent as the model's makers do it.
    pub(crate) fn new(temperature: Option<f32>, top_p: Option<f32>) -> Self {
        Self { temperature: temperature.unwrap_or(TEMPERATURE), top_p: top_p.unwrap_or(TOP_P) }
    }

    /// Chooses by the network's numbers, one for each token.
    pub(crate) fn choose(&self, scores: &[f32]) -> Result<u32> {
        // 0, and what divides to infinity.
        if self.temperature < 1e-3 {
            return likeliest(scores);
        }
        let random = getrandom::u32().map_err(|cause| anyhow!("no random number: {cause}"))?;
        // 24 bits: as many as an f32 holds between 0 and 1.
        let chance = f32::from_bits((random >> 9) | 1.0_f32.to_bits()) - 1.0;
        self.by_chance(scores, chance)
    }

    /// By `chance` from 0 to 1: of the likeliest tokens that together have the probability `top_p`.
    fn by_chance(&self, scores: &[f32], chance: f32) -> Result<u32> {
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |score: f32| ((score - highest) / self.temperature).exp();
        let whole: f32 = scores.iter().copied().map(weight).sum();
        let mut tokens: Vec<(f32, u32)> = (0..)
            .zip(scores)
            .map(|(token, score)| (weight(*score), token))
            // Together the ones left out weigh less than a millionth.
            .filter(|(weight, _)| *weight > whole * 1e-11)
            .collect();
        tokens.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
        let mut kept = 0.0;
        let enough = tokens.iter().position(|(weight, _)| {
            kept += weight;
            kept >= whole * self.top_p
        });
        tokens.truncate(enough.map_or(tokens.len(), |at| at + 1));
        let mut left = kept * chance;
        let chosen = tokens.iter().find(|(weight, _)| {
            left -= weight;
            left < 0.0
        });
        chosen.or(tokens.last()).map(|(_, token)| *token).ok_or_else(no_number)
    }
}

fn likeliest(scores: &[f32]) -> Result<u32> {
    let best = (0..).zip(scores).max_by(|(_, one), (_, other)| one.total_cmp(other));
    best.map(|(token, _)| token).ok_or_else(no_number)
}

fn no_number() -> anyhow::Error {
    anyhow!("the network gave no number that can be compared")
}

#[cfg(test)]
mod tests {
    use super::Sampling;

    const SCORES: [f32; 4] = [1.0, 3.0, 2.0, -50.0];

    #[test]
    fn without_temperature_the_likeliest() {
        assert_eq!(Sampling::new(Some(0.0), None).choose(&SCORES).unwrap(), 1);
    }

    #[test]
    fn chance_reaches_all_that_top_p_keeps_and_no_other() {
        // Probabilities 0.09, 0.67, 0.24, 0.
        let chosen =
            |top_p: f32, chance| Sampling::new(Some(1.0), Some(top_p)).by_chance(&SCORES, chance).unwrap();
        assert_eq!([0.0, 0.6, 0.7, 0.9, 0.95, 0.9999].map(|chance| chosen(1.0, chance)), [1, 1, 2, 2, 0, 0]);
        assert_eq!([0.0, 0.7, 0.8, 0.9999].map(|chance| chosen(0.9, chance)), [1, 1, 2, 2]);
        assert_eq!([0.0, 0.9999].map(|chance| chosen(0.5, chance)), [1, 1]);
    }

    #[test]
    fn numbers_that_are_none_are_an_error_or_a_token_but_no_panic() {
        assert!(Sampling::new(Some(1.0), None).by_chance(&[f32::NAN; 3], 0.5).is_err());
        assert!(Sampling::new(Some(0.0), None).choose(&[]).is_err());
    }
}
