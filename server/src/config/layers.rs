//! The layers of the configuration, one over the other, and who wrote what.
//!
//! It knows nothing about what a value means; it compares names and types with the reference.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value, de::DeTable};

use super::{Config, Error, Flag, REFERENCE, Sources, usual_file};

/// Looks like a setting and is none: it marks what a terminal started, which may be a server.
const MARK: &str = "MOSAIC_TERMINAL_ID";

/// Names that PostgreSQL's users know, beside `MOSAIC_<SECTION>_<KEY>`.
const ALIASES: [(&str, &str); 2] = [("DATABASE_URL", "database.url"), ("MOSAIC_PG_BIN", "postgres.bin")];

/// Sections of sections, whose names are the administrator's to choose. Only a file has them.
const NAMED: [&str; 3] = ["provider", "model", "profile"];

const UNKNOWN: &str = "there is no such setting; `mosaic-server config` prints all of them";

/// Who wrote each setting last: file and line, variable, or flag.
#[derive(Default)]
pub(super) struct Origins(HashMap<String, String>);

impl Origins {
    /// The error for a setting with a bad value.
    pub(super) fn error(&self, key: &str, problem: String) -> Error {
        // serde names an element of a list; only the list has an origin.
        let key = key.split('[').next().unwrap_or(key);
        // A key that is missing or unknown in a named section has at least that section's origin.
        let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
        let origin =
            self.0.get(key).or_else(|| self.0.get(section)).map_or("built-in reference", String::as_str);
        Error::Setting { origin: origin.to_owned(), key: key.to_owned(), problem }
    }
}

/// Everything up to the typed configuration.
pub(super) fn merge(sources: &Sources) -> Result<(Config, Origins), Error> {
    let reference =
        REFERENCE.parse().map_err(|cause| syntax(Path::new("reference.toml"), REFERENCE, &cause))?;
    let mut layers = Layers { values: reference, origins: Origins::default() };
    let variable = |name: &str| sources.variables.iter().find(|(other, _)| other == name);
    let file = sources.file.clone();
    let file = file.or_else(|| variable("MOSAIC_CONFIG").map(|(_, file)| PathBuf::from(file)));
    if let Some(file) = file.or_else(|| usual_file(sources)) {
        layers.file(&file)?;
    }
    layers.environment(&sources.variables)?;
    for Flag { name, key, value } in &sources.flags {
        layers.text(key, value, name)?;
    }
    let config = serde_path_to_error::deserialize(Value::Table(layers.values)).map_err(
        |cause: serde_path_to_error::Error<toml::de::Error>| {
            layers.origins.error(&cause.path().to_string(), cause.inner().message().to_owned())
        },
    )?;
    Ok((config, layers.origins))
}

struct Layers {
    values: Table,
    origins: Origins,
}

impl Layers {
    /// Lays a file over what is there. Its names are compared here, where their lines are known.
    fn file(&mut self, file: &Path) -> Result<(), Error> {
        let text =
            fs::read_to_string(file).map_err(|cause| Error::Unreadable { file: file.to_owned(), cause })?;
        let places = DeTable::parse(&text).map_err(|cause| syntax(file, &text, &cause))?;
        let values: Table = text.parse().map_err(|cause| syntax(file, &text, &cause))?;
        let origin = |at: usize| format!("{}:{}", file.display(), line(&text, at));
        let wrong = |at: usize, key: &str, problem: &str| Error::Setting {
            origin: origin(at),
            key: key.to_owned(),
            problem: problem.to_owned(),
        };
        for (section, content) in places.get_ref() {
            let at = section.span().start;
            let section = section.get_ref().as_ref();
            let known = self.values.get_mut(section).and_then(Value::as_table_mut);
            let known = known.ok_or_else(|| wrong(at, section, UNKNOWN))?;
            let (Some(places), Some(Value::Table(values))) =
                (content.get_ref().as_table(), values.get(section))
            else {
                return Err(wrong(at, section, &format!("this is a section; write [{section}]")));
            };
            for (key, content) in places {
                let (at, name) = (key.span().start, key.get_ref().as_ref());
                let path = format!("{section}.{name}");
                if NAMED.contains(&section) {
                    let Some(inner) = content.get_ref().as_table() else {
                        return Err(wrong(at, &path, &format!("write a section, [{section}.NAME]")));
                    };
                    for key in inner.keys() {
                        let path = format!("{path}.{}", key.get_ref());
                        self.origins.0.insert(path, origin(key.span().start));
                    }
                    known.extend(values.get(name).map(|value| (name.to_owned(), value.clone())));
                    self.origins.0.insert(path, origin(at));
                    continue;
                }
                let (Some(place), Some(value)) = (known.get_mut(name), values.get(name)) else {
                    return Err(wrong(at, &path, UNKNOWN));
                };
                *place = value.clone();
                self.origins.0.insert(path, origin(at));
            }
        }
        Ok(())
    }

    /// Lays the environment over what is there: first the aliases, so that the full name wins.
    fn environment(&mut self, variables: &[(OsString, OsString)]) -> Result<(), Error> {
        let named = |(name, value): &(OsString, OsString)| {
            Some((name.to_str()?.to_owned(), value.to_string_lossy().into_owned()))
        };
        let variables: HashMap<String, String> = variables.iter().filter_map(named).collect();
        for (name, key) in ALIASES {
            if let Some(value) = variables.get(name) {
                self.text(key, value, name)?;
            }
        }
        let sections: Vec<String> = self.values.keys().cloned().collect();
        for (name, value) in &variables {
            let Some(rest) = name.strip_prefix("MOSAIC_").filter(|_| name != MARK) else {
                continue;
            };
            let rest = rest.to_ascii_lowercase();
            // Other programs of this project have variables of their own: only a section's name makes a setting.
            for section in sections.iter().filter(|section| !NAMED.contains(&section.as_str())) {
                if let Some(key) = rest.strip_prefix(section).and_then(|rest| rest.strip_prefix('_')) {
                    self.text(&format!("{section}.{key}"), value, name)?;
                }
            }
        }
        Ok(())
    }

    /// Sets one value from text, in the type that the reference has there.
    fn text(&mut self, path: &str, text: &str, origin: &str) -> Result<(), Error> {
        let wrong = |problem: &str| Error::Setting {
            origin: origin.to_owned(),
            key: path.to_owned(),
            problem: problem.to_owned(),
        };
        let place =
            path.split_once('.').and_then(|(section, key)| self.values.get_mut(section)?.get_mut(key));
        let place = place.ok_or_else(|| wrong(UNKNOWN))?;
        *place = match place {
            Value::Integer(_) => {
                Value::Integer(text.parse().map_err(|_| wrong(&format!("{text:?} is not a whole number")))?)
            }
            Value::Boolean(_) => Value::Boolean(
                text.parse().map_err(|_| wrong(&format!("{text:?} is neither \"true\" nor \"false\"")))?,
            ),
            Value::Array(_) => {
                let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
                Value::Array(elements.map(|element| Value::String(element.to_owned())).collect())
            }
            _ => Value::String(text.to_owned()),
        };
        self.origins.0.insert(path.to_owned(), origin.to_owned());
        Ok(())
    }
}

fn syntax(file: &Path, text: &str, cause: &toml::de::Error) -> Error {
    let at = cause.span().map_or(0, |span| span.start);
    Error::Syntax { file: file.to_owned(), line: line(text, at), problem: cause.message().to_owned() }
}

/// The line, counted from 1, of the byte at `at`.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
