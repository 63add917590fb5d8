//! The network: tokens in, how likely each next one is out. Llama's architecture, one text at a time.
//!
//! It must not know words, nor what is done with its numbers.

use anyhow::Result;
use candle_core::{D, Device, Tensor, quantized::QMatMul};
use candle_nn::{
    Module,
    kv_cache::KvCache,
    ops::{rms_norm, silu, softmax_last_dim},
    rotary_emb::rope_i,
};

use crate::weights::Weights;

/// Tokens by which a memory grows: 23 MiB.
const MEMORY_STEP_TOKENS: usize = 512;

/// The network with its weights.
pub(crate) struct Model {
    /// Also turns the last layer's result into one number for each token.
    embedding: QMatMul,
    layers: Vec<Layer>,
    norm: Tensor,
    epsilon: f32,
    /// Sines and cosines of each position.
    cos: Tensor,
    sin: Tensor,
    heads: usize,
    /// Heads that keys and values have; each serves several of the queries'.
    shared_heads: usize,
    /// Tokens that prompt and answer may have together.
    pub(crate) context_tokens: usize,
}

struct Layer {
    attention_norm: Tensor,
    query: QMatMul,
    key: QMatMul,
    value: QMatMul,
    output: QMatMul,
    feed_forward_norm: Tensor,
    gate: QMatMul,
    up: QMatMul,
    down: QMatMul,
}

/// What the network keeps of a text that it has read: keys and values, layer by layer.
pub(crate) struct Memory(Vec<KvCache>);

impl Memory {
    fn tokens(&self) -> usize {
        self.0.first().map_or(0, KvCache::current_seq_len)
    }
}

impl Model {
    /// Takes the weights over into memory.
    pub(crate) fn load(weights: &mut Weights) -> Result<Self> {
        let heads = weights.count("llama.attention.head_count")?;
        let context_tokens = weights.count("llama.context_length")?;
        let turned = weights.count("llama.rope.dimension_count")?;
        let (cos, sin) = turns(weights.number("llama.rope.freq_base")?, turned, context_tokens)?;
        let layers = (0..weights.count("llama.block_count")?).map(|at| Layer::load(weights, at));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            embedding: weights.matrix("token_embd.weight")?,
            norm: weights.vector("output_norm.weight")?,
            epsilon: weights.number("llama.attention.layer_norm_rms_epsilon")?,
            cos,
            sin,
            heads,
            shared_heads: weights.count("llama.attention.head_count_kv")?,
            context_tokens,
        })
    }

    /// Of a text that begins.
    pub(crate) fn memory(&self) -> Memory {
        // Dimension 1 of (heads, tokens, width) grows.
        Memory(self.layers.iter().map(|_| KvCache::new(1, MEMORY_STEP_TOKENS)).collect())
    }

    /// Reads on; one number for each token: the higher, the likelier it comes next.
    pub(crate) fn read(&self, tokens: &[u32], memory: &mut Memory) -> Result<Vec<f32>> {
        let before = memory.tokens();
        let cos = self.cos.narrow(0, before, tokens.len())?;
        let sin = self.sin.narrow(0, before, tokens.len())?;
        let mask = (tokens.len() > 1).then(|| mask(before, tokens.len())).transpose()?;
        let mut state = self.embedding.embedding(&Tensor::new(tokens, &Device::Cpu)?)?;
        for (layer, memory) in self.layers.iter().zip(&mut memory.0) {
            let normed = rms_norm(&state, &layer.attention_norm, self.epsilon)?;
            let attended = self.attend(layer, &normed, (&cos, &sin), mask.as_ref(), memory)?;
            state = (state + attended)?;
            let normed = rms_norm(&state, &layer.feed_forward_norm, self.epsilon)?;
            let inner = (silu(&layer.gate.forward(&normed)?)? * layer.up.forward(&normed)?)?;
            state = (state + layer.down.forward(&inner)?)?;
        }
        let last = state.narrow(0, tokens.len() - 1, 1)?.contiguous()?;
        let last = rms_norm(&last, &self.norm, self.epsilon)?;
        Ok(self.embedding.forward(&last)?.squeeze(0)?.to_vec1()?)
    }

    fn attend(
        &self,
        layer: &Layer,
        normed: &Tensor,
        turns: (&Tensor, &Tensor),
        mask: Option<&Tensor>,
        memory: &mut KvCache,
    ) -> Result<Tensor> {
        let tokens = normed.dim(0)?;
        // (tokens, heads * width) to (heads, tokens, width).
        let split = |all: Tensor, heads: usize| -> candle_core::Result<Tensor> {
            all.reshape((tokens, heads, ()))?.transpose(0, 1)?.contiguous()
        };
        let turn = |all: &Tensor| rope_i(&all.unsqueeze(0)?, turns.0, turns.1)?.squeeze(0);
        let query = turn(&split(layer.query.forward(normed)?, self.heads)?)?;
        let key = turn(&split(layer.key.forward(normed)?, self.shared_heads)?)?;
        let value = split(layer.value.forward(normed)?, self.shared_heads)?;
        let (keys, values) = memory.append(&key, &value)?;
        let width = query.dim(D::Minus1)?;
        // Queries that share keys lie one after the other: as one longer list nothing has to be repeated.
        let query = query.reshape((self.shared_heads, (), width))?;
        let scale = 1.0 / f64::from(u32::try_from(width)?).sqrt();
        let mut scores = (query.matmul(&keys.transpose(1, 2)?)? * scale)?;
        if let Some(mask) = mask {
            let shape = scores.shape().clone();
            let (_, all) = mask.dims2()?;
            scores = scores.reshape((self.heads, tokens, all))?.broadcast_add(mask)?.reshape(shape)?;
        }
        let mixed = softmax_last_dim(&scores)?.matmul(&values.contiguous()?)?;
        let mixed = mixed.reshape((self.heads, tokens, width))?.transpose(0, 1)?.contiguous()?;
        Ok(layer.output.forward(&mixed.reshape((tokens, ()))?)?)
    }
}

impl Layer {
    fn load(weights: &mut Weights, at: usize) -> Result<Self> {
        let name = |part: &str| format!("blk.{at}.{part}.weight");
        Ok(Self {
            attention_norm: weights.vector(&name("attn_norm"))?,
            query: weights.matrix(&name("attn_q"))?,
            key: weights.matrix(&name("attn_k"))?,
            value: weights.matrix(&name("attn_v"))?,
            output: weights.matrix(&name("attn_output"))?,
            feed_forward_norm: weights.vector(&name("ffn_norm"))?,
            gate: weights.matrix(&name("ffn_gate"))?,
            up: weights.matrix(&name("ffn_up"))?,
            down: weights.matrix(&name("ffn_down"))?,
        })
    }
}

/// Cosines and sines of rotary position embeddings: (positions, width / 2).
fn turns(base: f32, width: usize, positions: usize) -> Result<(Tensor, Tensor)> {
    let width = u16::try_from(width)?;
    let frequencies: Vec<f32> =
        (0..width).step_by(2).map(|at| 1.0 / base.powf(f32::from(at) / f32::from(width))).collect();
    let frequencies = Tensor::new(frequencies, &Device::Cpu)?.unsqueeze(0)?;
    let positions = Tensor::arange(0, u32::try_from(positions)?, &Device::Cpu)?;
    let angles = positions.to_dtype(candle_core::DType::F32)?.unsqueeze(1)?.matmul(&frequencies)?;
    Ok((angles.cos()?, angles.sin()?))
}

/// No token sees those after it: added to (tokens, before + tokens) scores.
fn mask(before: usize, tokens: usize) -> Result<Tensor> {
    let all = before + tokens;
    let numbers: Vec<f32> = (0..tokens)
        .flat_map(|at| (0..all).map(move |seen| if seen > before + at { f32::NEG_INFINITY } else { 0.0 }))
        .collect();
    Ok(Tensor::from_vec(numbers, (tokens, all), &Device::Cpu)?)
}
