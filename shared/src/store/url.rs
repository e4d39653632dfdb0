//! `file:PATH` and `s3://bucket/prefix`.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::secret::mask_url;

/// Where a lake or a zone lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A local folder: `file:PATH`, relative to the current folder unless it begins with `/`.
    File(PathBuf),
    /// `s3://bucket/prefix`.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The prefix without slashes at its ends, possibly empty.
        prefix: String,
    },
}

impl StoreUrl {
    /// The place `name` below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            StoreUrl::File(path) => StoreUrl::File(path.join(name)),
            StoreUrl::S3 { bucket, prefix } if prefix.is_empty() => {
                StoreUrl::S3 { bucket: bucket.clone(), prefix: name.to_owned() }
            }
            StoreUrl::S3 { bucket, prefix } => {
                StoreUrl::S3 { bucket: bucket.clone(), prefix: format!("{prefix}/{name}") }
            }
        }
    }
}

impl StoreUrl {
    /// Whether the two are one place, or one lies below the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (StoreUrl::File(one), StoreUrl::File(other)) => {
                let (one, other) = (real(one), real(other));
                one.starts_with(&other) || other.starts_with(&one)
            }
            (StoreUrl::S3 { bucket: one, prefix }, StoreUrl::S3 { bucket: other, prefix: other_prefix }) => {
                let segments = |prefix: &str| -> Vec<String> {
                    prefix.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
                };
                let (mine, others) = (segments(prefix), segments(other_prefix));
                one == other && (mine.starts_with(&others) || others.starts_with(&mine))
            }
            _ => false,
        }
    }
}

/// A path from the root without `..`; links are followed as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut real = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(real.pop()),
            part => {
                real.push(part);
                if let Ok(followed) = real.canonicalize() {
                    real = followed;
                }
            }
        }
    }
    real
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HINT: &str = "write file:PATH for a local folder or s3://BUCKET/PREFIX";
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(format!("\"{text}\" names no folder; {HINT}"));
            }
            return Ok(StoreUrl::File(PathBuf::from(path)));
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.contains('@') {
                return Err(format!("\"{}\" has more than a bucket's name; {HINT}", mask_url(text)));
            }
            if bucket.is_empty() {
                return Err(format!("\"{text}\" names no bucket; {HINT}"));
            }
            return Ok(StoreUrl::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() });
        }
        Err(format!("\"{}\" is not a lake's URL; {HINT}", mask_url(text)))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::File(path) => write!(f, "file:{}", path.display()),
            StoreUrl::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            StoreUrl::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_joined() {
        for (text, joined) in [
            ("file:lake", "file:lake/raw"),
            ("file:///data/lake", "file:/data/lake/raw"),
            ("s3://bucket", "s3://bucket/raw"),
            ("s3://bucket/a/b/", "s3://bucket/a/b/raw"),
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url.join("raw").to_string(), joined);
        }
    }

    #[test]
    fn places_overlap_by_whole_segments_whatever_their_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| format!("file:{}/{path}", folder.path().display());
        std::fs::create_dir_all(folder.path().join("lake/raw")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("lake"), folder.path().join("link")).unwrap();
        for (one, other, overlap) in [
            (at("lake"), at("lake/raw"), true),
            (at("lake/raw/../raw/."), at("lake/raw"), true),
            (at("lake/raw"), at("lake/raw2"), false),
            (at("new"), at("new/../new/x"), true),
            (at("link/raw"), at("lake/raw"), cfg!(unix)),
            ("s3://a/x".to_owned(), "s3://a/x/y".to_owned(), true),
            ("s3://a".to_owned(), "s3://a/y".to_owned(), true),
            ("s3://a/x".to_owned(), "s3://a/xy".to_owned(), false),
            ("s3://a/x".to_owned(), "s3://b/x".to_owned(), false),
            ("s3://a/x".to_owned(), at("x"), false),
        ] {
            let (one, other): (StoreUrl, StoreUrl) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(one.overlaps(&other), overlap, "{one} and {other}");
            assert_eq!(other.overlaps(&one), overlap, "{other} and {one}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_a_hint() {
        for text in ["", "lake", "file:", "s3://", "s3:///key", "http://x"] {
            let error = text.parse::<StoreUrl>().unwrap_err();
            assert!(error.contains("s3://BUCKET/PREFIX"), "{error}");
        }
    }
}
