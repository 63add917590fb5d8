//! The first start: the workspace `default`, and the operator's token in a file only its owner reads.
//!
//! It knows nothing about the command line that reads the file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{NewToken, store};
use crate::{
    auth::{Role, Secret},
    db::Db,
    ids::TokenId,
};

/// The file's name in the data directory.
pub const TOKEN_FILE: &str = "operator-token";
/// Only its owner reads it.
const MODE: u32 = 0o600;

/// Why there is no operator's token. The text goes to whoever started the server.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// The file.
    #[error("cannot keep the operator's token in {}: {cause}; make the directory writable", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The database.
    #[error("cannot store the operator's token: {0}")]
    Store(#[from] crate::error::Error),
}

/// Sees to it that the file holds a good OPERATOR token of `default`. The file comes first and the
/// row second, so that a start cut short in between is mended by the next one.
///
/// # Errors
/// The file cannot be read or written, or the database does not answer.
pub async fn first_start(db: &Db, data_dir: &Path) -> Result<(), FirstStartError> {
    let path = data_dir.join(TOKEN_FILE);
    let at_path = |cause| FirstStartError::File { path: path.clone(), cause };
    let workspace = store::default_workspace(db).await?;
    let kept = read(&path).map_err(at_path)?;
    let known = match &kept {
        Some(secret) => store::token_by_hash(db, &secret.digest()).await?,
        None => None,
    };
    let secret = match (kept, known) {
        (Some(_), Some(token)) if token.revoke_time.is_none() => return Ok(()),
        (Some(secret), None) => secret,
        // None yet, not readable as a token, or revoked: whoever can restart the server with this
        // directory is its operator.
        _ => {
            let secret = Secret::new_token()?;
            write(data_dir, &path, &secret).map_err(at_path)?;
            tracing::info!(file = %path.display(), "wrote a new operator's token");
            secret
        }
    };
    let token = NewToken {
        id: TokenId::new(),
        workspace,
        name: "operator".to_owned(),
        role: Role::Operator,
        hash: secret.digest(),
        expire_time: None,
        terminal: None,
        read_only: false,
    };
    Ok(store::insert_operator(db, &token).await?)
}

fn read(path: &Path) -> io::Result<Option<Secret>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
            Ok(Secret::parse_token(text.trim()))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Whole or not at all, also when the machine loses power.
fn write(directory: &Path, path: &Path, secret: &Secret) -> io::Result<()> {
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    // `create_new` follows no link that somebody else put there.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&temporary)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_private_and_replaceable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(TOKEN_FILE);
        assert_eq!(read(&path).unwrap(), None);
        // What a crash left behind does not stop the next start.
        fs::write(path.with_extension("new"), "half").unwrap();
        for _ in 0..2 {
            let secret = Secret::new_token().unwrap();
            write(directory.path(), &path, &secret).unwrap();
            assert_eq!(read(&path).unwrap(), Some(secret));
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_broken_or_open_file_is_mended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(TOKEN_FILE);
        fs::write(&path, "mosaic_short").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
