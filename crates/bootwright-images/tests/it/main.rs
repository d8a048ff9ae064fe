//! Images for real: files, archives by their own tools, discs by xorriso, signatures by GnuPG, and a server on the loopback
//! device that plays the vendors.

mod archive;
mod bundle;
mod disc;
mod download;
mod place;
mod shelf;
mod signature;
mod signer;
mod site;
mod vendor;
