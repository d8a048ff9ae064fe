//! Images, as the API shows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The images in the data directory, and what is on its way there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageList {
    /// The images, in the order of their names.
    pub images: Vec<ImageEntry>,
    /// The images that somebody is adding at this moment.
    pub downloads: Vec<DownloadView>,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageEntry {
    /// Its name.
    pub image: String,
    /// Its version, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it came from; nothing where it was put there by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What proves that it is what its maker made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// How many files it has, if there is a list of them.
    pub files: u64,
    /// How many bytes those have.
    pub bytes: u64,
    /// Why its list cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The profiles that boot it.
    pub profiles: Vec<String>,
}

/// An image on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DownloadView {
    /// Its name.
    pub image: String,
    /// What is being done, in words.
    pub step: String,
    /// The file that is being fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many bytes of it are here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many it has, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
}
