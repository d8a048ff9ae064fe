//! The target `tftp`, for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bootwright_fuzz::tftp::digest(bytes));
