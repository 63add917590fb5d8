//! Compiles the .proto files in pure Rust: nobody needs `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=mosaic");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files([
        "mosaic/workspace/v1/workspace.proto",
        "mosaic/terminal/v1/terminal.proto",
        "mosaic/chat/v1/chat.proto",
        "mosaic/orchestrator/v1/orchestrator.proto",
    ])?;
    // The raw bytes: a round trip through prost would drop option extensions.
    let raw = compiler.encode_file_descriptor_set();
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("mosaic.binpb"), &raw)?;
    let set = prost_types::FileDescriptorSet::decode(raw.as_slice())?;
    tonic_prost_build::configure().bytes(".").compile_fds(set)?;
    Ok(())
}
