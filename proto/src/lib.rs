//! The generated contract of Mosaic: messages, clients and servers.
//!
//! It knows nothing about how any of it works; the comments come from the
//! `.proto` files beside it, which are the reference.

#![expect(clippy::allow_attributes_without_reason, clippy::large_enum_variant, reason = "generated code")]

/// Conversations with models: `mosaic.chat.v1`.
pub mod chat {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("mosaic.chat.v1");
    }
}

/// Agents and their jobs: `mosaic.orchestrator.v1`.
pub mod orchestrator {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("mosaic.orchestrator.v1");
    }
}

/// Terminals: `mosaic.terminal.v1`.
pub mod terminal {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("mosaic.terminal.v1");
    }
}

/// Workspaces, tokens and events: `mosaic.workspace.v1`.
pub mod workspace {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("mosaic.workspace.v1");
    }
}

/// The compiled descriptors of all files, for reflection and for JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mosaic.binpb"));
