//! What kind of file it is, as UEFI HTTP boot and browsers want to know.

/// The `Content-Type` of a file with this name.
///
/// UEFI HTTP boot takes a boot program, an ISO image or a disk image by its type, and anything else by its extension
/// alone (UEFI 2.10, section 24.7.2.1).
#[must_use]
pub fn media_type(name: &str) -> &'static str {
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("efi") => "application/efi",
        Some("iso") => "application/vnd.efi-iso",
        Some("img") => "application/vnd.efi-img",
        Some("ipxe" | "txt" | "sh" | "cfg" | "ks" | "preseed" | "yaml" | "yml") => "text/plain; charset=utf-8",
        Some("json" | "ign") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn uefi_knows_boot_programs_by_their_type() {
        assert_eq!(media_type("SNPONLY.EFI"), "application/efi");
        assert_eq!(media_type("debian/boot.img"), "application/vnd.efi-img");
        assert_eq!(media_type("vmlinuz"), "application/octet-stream");
        assert_eq!(media_type("a.b/linux"), "application/octet-stream");
    }
}
