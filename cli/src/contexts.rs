//! The file of contexts: servers that one has logged in to, by name.
//!
//! It knows nothing about which of them a command uses. The file holds tokens, so it is for its
//! owner's eyes only (mode 0600), and it is replaced as a whole, never half written.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, private, secret::Secret};

/// All contexts, and which one is current.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The name of the one in use, if any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// By name.
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// A server and the token for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// Its URL.
    pub(crate) endpoint: String,
    /// The token.
    pub(crate) token: Secret,
    /// A file with the certificates of the authority that signed the server's, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

impl Contexts {
    /// Reads them; a file that does not exist holds none.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::file("read", path, &error)),
        };
        // The parser's own message would show the line, and with it perhaps a token.
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            Failure::error(format!("{}, line {line}: {}", path.display(), error.message()))
                .hint("Correct or remove the file, then `mosaic login` again.")
        })
    }

    /// Replaces the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self).map_err(|error| Failure::error(error.to_string()))?;
        private::replace(path, &text).map_err(|error| Failure::file("write", path, &error))
    }

    /// The context of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Context, Failure> {
        self.contexts.get(name).ok_or_else(|| {
            Failure::not_found(format!("there is no context {}", crate::text::quote(name)))
                .hint("`mosaic context ls` lists them, `mosaic login --name NAME` makes one.")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mosaic/contexts.toml");
        assert_eq!(Contexts::read(&path).unwrap(), Contexts::default());
        let mut contexts = Contexts { current: Some("lab".to_owned()), ..Contexts::default() };
        let context = Context { endpoint: "https://lab:1".to_owned(), token: "mosaic_x".into(), ca: None };
        contexts.contexts.insert("lab".to_owned(), context);
        contexts.write(&path).unwrap();
        contexts.write(&path).unwrap();
        assert_eq!(Contexts::read(&path).unwrap(), contexts);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_broken_file_names_the_line_and_not_the_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("contexts.toml");
        fs::write(&path, "[contexts.a]\nendpoint = \"http://a\"\ntoken = \"mosaic_secret\" x\n").unwrap();
        let failure = Contexts::read(&path).unwrap_err().to_string();
        assert!(failure.contains("line 3") && !failure.contains("mosaic_secret"), "{failure}");
    }
}
