//! A reward function as it is delivered: Python source and a weight.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::Error;

/// The source of one function. Equal sources are the same function, whatever they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    name: String,
    source: String,
    digest: FunctionDigest,
}

/// SHA-256 of a function's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionDigest([u8; 32]);

impl Function {
    /// A function called `name` in messages.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        let source = source.into();
        let digest = FunctionDigest(Sha256::digest(source.as_bytes()).into());
        Self { name: name.into(), source, digest }
    }

    /// The function in the file at `path`, named after the file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let source = std::fs::read_to_string(path).map_err(Error::file(path))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Ok(Self::new(name, source))
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Python source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it is known by.
    pub fn digest(&self) -> FunctionDigest {
        self.digest
    }

    /// `NAME#sha256`, as recorded scores name it.
    pub fn id(&self) -> String {
        format!("{}#{}", self.name, self.digest)
    }
}

impl FunctionDigest {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for FunctionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// `F.py[:weight]`, as given to `--reward`.
#[derive(Clone, Debug, PartialEq)]
pub struct RewardSpec {
    /// Source file.
    pub path: PathBuf,
    /// Weight in the sum; 1 if not given.
    pub weight: f64,
}

impl RewardSpec {
    /// The function and its weight.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn read(&self) -> Result<WeightedFunction, Error> {
        Ok(WeightedFunction { function: Function::read(&self.path)?, weight: self.weight })
    }
}

impl FromStr for RewardSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |reason: String| Error::BadSpec { text: text.to_owned(), reason };
        let (path, weight) = match text.rsplit_once(':') {
            Some((path, weight)) => {
                let number = weight.parse::<f64>().ok().filter(|number| number.is_finite());
                (
                    path,
                    number
                        .ok_or_else(|| bad(format!("`{weight}` is no weight; it has the form F.py:0.5")))?,
                )
            }
            None => (text, 1.0),
        };
        if path.is_empty() {
            return Err(bad("there is no file name".to_owned()));
        }
        Ok(Self { path: path.into(), weight })
    }
}

impl From<&schema::RewardFunction> for RewardSpec {
    fn from(config: &schema::RewardFunction) -> Self {
        Self { path: config.path.clone(), weight: config.weight }
    }
}

/// A function and what its scores count.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedFunction {
    /// Which function.
    pub function: Function,
    /// Factor of its scores.
    pub weight: f64,
}

#[cfg(test)]
mod tests;
