//! The methods that this server has, read from their descriptors.
//!
//! It knows nothing about what they do. Names outside the list never become a label or a log field.

use std::{collections::HashMap, sync::Arc};

use prost::Message;
use prost_types::FileDescriptorSet;

/// What a call is.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its path: `/package.Service/Method`.
    pub path: Arc<str>,
    /// The answer is a stream.
    pub streams: bool,
    /// Who may call it and how it ends.
    pub kind: Kind,
}

/// The sorts of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It needs a token, and ends its streams itself when the server drains.
    Ordinary,
    /// It needs no token: signing in.
    Open,
    /// Health and reflection: no token, answered also while draining, and ended from outside.
    Infrastructure,
    /// It does not exist.
    Unknown,
}

/// All methods by path.
#[derive(Clone, Debug)]
pub struct Methods {
    known: HashMap<Arc<str>, Method>,
    /// Stands for all that do not exist.
    unknown: Method,
}

const OPEN: &str = "/mosaic.workspace.v1.WorkspaceService/ExchangeSignInCode";

impl Methods {
    /// The methods of the services among `names`, by their descriptors.
    ///
    /// # Errors
    /// A set of descriptors is broken.
    pub fn of(sets: &[&[u8]], names: &[&str]) -> Result<Self, prost::DecodeError> {
        let mut methods = HashMap::new();
        for set in sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                for service in &file.service {
                    let service_name = format!("{}.{}", file.package(), service.name());
                    if !names.contains(&service_name.as_str()) {
                        continue;
                    }
                    for method in &service.method {
                        let path: Arc<str> = format!("/{service_name}/{}", method.name()).into();
                        let kind = match &*path {
                            OPEN => Kind::Open,
                            path if path.starts_with("/grpc.") => Kind::Infrastructure,
                            _ => Kind::Ordinary,
                        };
                        let method =
                            Method { path: Arc::clone(&path), streams: method.server_streaming(), kind };
                        methods.insert(path, method);
                    }
                }
            }
        }
        let unknown = Method { path: "unknown".into(), streams: false, kind: Kind::Unknown };
        Ok(Self { known: methods, unknown })
    }

    /// The method of a path.
    pub fn get(&self, path: &str) -> Method {
        self.known.get(path).unwrap_or(&self.unknown).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signing_in_and_infrastructure_need_no_token() {
        let sets = [mosaic_proto::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
        let names = [
            "mosaic.workspace.v1.WorkspaceService",
            "mosaic.terminal.v1.TerminalService",
            "mosaic.chat.v1.ChatService",
            "mosaic.orchestrator.v1.OrchestratorService",
            "grpc.health.v1.Health",
        ];
        let methods = Methods::of(&sets, &names).unwrap();
        assert_eq!(methods.known.len(), 10 + 15 + 13 + 16 + 2);
        let mut open: Vec<_> =
            methods.known.values().filter(|m| m.kind != Kind::Ordinary).map(|m| &*m.path).collect();
        open.sort_unstable();
        assert_eq!(open, ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", OPEN]);
        assert!(methods.get("/mosaic.workspace.v1.WorkspaceService/WatchEvents").streams);
        assert!(!methods.get("/mosaic.workspace.v1.WorkspaceService/WhoAmI").streams);
        assert_eq!(methods.get("/mosaic.workspace.v1.WorkspaceService/Nothing").kind, Kind::Unknown);
    }
}
